"""Other names of the same goods: spoken ones, those of neighbours, and English ones.

A search for one finds what is called by another, as far as that occurs. Single words in small
letters; slips of the typing hand are none of these (words.resembling_terms).
"""

from __future__ import annotations

from collections.abc import Mapping

GROUPS: tuple[frozenset[str], ...] = (
    frozenset({"pempek", "empek", "mpek"}),
    frozenset({"terasi", "belacan"}),
    frozenset({"rotan", "rattan"}),
    frozenset({"keranjang", "basket", "baskets"}),
    frozenset({"tas", "bag", "bags"}),
    frozenset({"nampan", "tray", "trays"}),
    frozenset({"udang", "shrimp", "shrimps", "prawn", "prawns"}),
    frozenset({"cumi", "squid"}),
    frozenset({"teri", "anchovy", "anchovies"}),
    frozenset({"kerupuk", "cracker", "crackers"}),
    frozenset({"bakso", "meatball", "meatballs"}),
    frozenset({"kelor", "moringa"}),
)

_others: Mapping[str, frozenset[str]] = {name: group - {name} for group in GROUPS for name in group}


def others(word: str) -> frozenset[str]:
    """The other names of what this word names; none for most words."""
    return _others.get(word, frozenset())
