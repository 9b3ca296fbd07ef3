"""The yardstick: what a page costs that does nothing but render a template.

`GET /<size>` answers with a page of exactly `size` bytes: a Jinja loop over cards of a few values
each, escaped, as on a list of products. No database, no session, no other extension.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask, render_template
from jinja2 import DictLoader

PAGE = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><title>{{ title }}</title></head>
<body><main id="main"><h1>{{ title }}</h1><ul>
{% for card in cards %}
<li class="card"><a class="card-link" href="/products/{{ card.slug }}"><h2>{{ card.name }}</h2></a>
<p class="quiet">{{ card.village }}</p><p class="summary">{{ card.summary }}</p>
<p class="price"><b>Rp{{ card.price }}</b></p></li>
{% endfor %}
</ul><p>{{ rest }}</p></main></body></html>
"""
SUMMARY = "Dari hasil laut yang ditangkap pagi hari dan diolah di dapur sendiri, tanpa pengawet. "

app = Flask(__name__)
app.jinja_loader = DictLoader({"page.html": PAGE})
app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


@cache
def content(size: int) -> dict[str, Any]:
    """The template's values for a page of `size` bytes."""
    card = {
        "slug": "pempek-udang-belo-laut",
        "name": "Pempek udang Belo Laut",
        "village": "Belo Laut, Kabupaten Bangka Barat",
        "summary": SUMMARY * 3,
        "price": "45.000",
    }

    def length(cards: int) -> int:
        return len(render_template("page.html", title="Produk", cards=[card] * cards, rest=""))

    none = length(0)
    count = max((size - none) // (length(1) - none), 0)
    rest = "-" * max(size - length(count), 0)
    return {"title": "Produk", "cards": [card] * count, "rest": rest}


@app.get("/<int:size>")
def page(size: int) -> str:
    return render_template("page.html", **content(size))
