"""The open data described for programs: OpenAPI 3.1, made of what views and dictionary are made of,
in the language of its address."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from ovop_market.opendata import records, resources
from ovop_market.opendata.parameters import Parameter
from ovop_market.opendata.records import SLUG_PATTERN
from ovop_market.opendata.resources import RESOURCES, ROOT, Resource
from ovop_market.opendata.shape import Schema, schema_of, used_by

_PROBLEM = "application/problem+json"


def _ref(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def document(server: str, dictionary: str) -> dict[str, Any]:
    """The whole document; `server` is the address below which ROOT is, `dictionary` that of the
    page for people."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": str(_("Data terbuka OVOP Market Bangka Barat")),
            "version": resources.VERSION,
            "summary": str(_("Desa, produk, program, dan jangkauannya; hanya untuk dibaca.")),
            "description": _description(),
            "license": {"name": resources.LICENCE, "url": resources.LICENCE_URL},
        },
        "externalDocs": {"url": dictionary, "description": str(_("Kamus data"))},
        "servers": [{"url": server}],
        "security": [],
        "tags": [
            {"name": "programme", "description": str(_("Desa dan tahun program"))},
            {"name": "market", "description": str(_("Produk yang sedang dijual"))},
            {"name": "reach", "description": str(_("Ke mana produk desa dikirim"))},
            {"name": "about", "description": str(_("Tentang data ini"))},
        ],
        "paths": {**_about(), **{ROOT + each.path: _path(each) for each in RESOURCES}},
        "components": _components(),
    }


def _description() -> str:
    told = (
        _("Semua jawaban berupa JSON dalam UTF-8. HEAD menjawab seperti GET, tanpa isi."),
        _("Daftar dibagi dalam halaman: lihat meta, dan header Link (next, prev, first, last)."),
        _("Kirim ETag kembali sebagai If-None-Match: bila tidak ada yang berubah, jawabannya 304."),
        _("Parameter yang tidak dikenal ditolak (400)."),
        _(
            "Angka yang ditahan (withheld) kosong, bukan nol. Baris yang tidak ada berarti nol."
            " Angka menurut produk hanya dari produk yang sedang dijual."
        ),
    )
    return " ".join(str(each) for each in told)


def _about() -> dict[str, Any]:
    index = _answer(_ref("schemas", "Index"), listed=False)
    whole = _answer({"type": "object"}, listed=False)
    return {
        ROOT: {"get": _operation("index", str(_("Daftar isi")), "about", [], index, missing="")},
        f"{ROOT}/openapi.json": {
            "get": _operation("openapi", str(_("Dokumen ini")), "about", [], whole, missing="")
        },
    }


def _path(resource: Resource) -> dict[str, Any]:
    given: list[Schema] = []
    if "{slug}" in resource.path:
        given.append(
            {
                "name": "slug",
                "in": "path",
                "required": True,
                "description": str(_("Kuncinya.")),
                "schema": {"type": "string", "pattern": SLUG_PATTERN},
            }
        )
    given += [_parameter(each) for each in resource.asked]
    row = _ref("schemas", resource.record.__name__)
    data: Schema = {"type": "array", "items": row, "maxItems": 200} if resource.many else row
    properties: dict[str, Schema] = {"data": data}
    if resource.many:
        properties["meta"] = _ref("schemas", "Meta")
    body: Schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    tag = {"pro": "market", "rea": "reach"}.get(resource.endpoint[:3], "programme")
    answer = _answer(body, listed=resource.many)
    told = _operation(
        resource.endpoint, str(resource.title), tag, given, answer, missing=str(resource.missing)
    )
    told["description"] = f"{resource.record.TEXT} {resource.source} {resource.updated}"  # type: ignore[attr-defined]
    return {"get": told}


def _operation(
    name: str, title: str, tag: str, given: list[Schema], answer: Schema, *, missing: str
) -> dict[str, Any]:
    answers: dict[str, Schema] = {
        "200": answer,
        "304": {
            "description": str(_("Tidak berubah sejak ETag yang dikirim.")),
            "headers": {"ETag": _ref("headers", "ETag")},
        },
        "400": _ref("responses", "Refused"),
        "429": _ref("responses", "TooMany"),
        "503": _ref("responses", "Busy"),
    }
    if missing:
        answers["404"] = {
            "description": missing,
            "content": {_PROBLEM: {"schema": _ref("schemas", "Problem")}},
        }
    return {
        "operationId": name,
        "summary": title,
        "tags": [tag],
        "parameters": given,
        "responses": dict(sorted(answers.items())),
    }


def _parameter(parameter: Parameter) -> Schema:
    schema = dict(parameter.schema)
    if parameter.usual is not None:
        schema["default"] = parameter.usual
    told: Schema = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": str(parameter.text),
        "schema": schema,
    }
    if parameter.example is not None:
        told["example"] = parameter.example
    return told


def _answer(schema: Schema, *, listed: bool) -> Schema:
    headers = {name: _ref("headers", name) for name in ("ETag", "Cache-Control", "Link")}
    told = _("Satu halaman dari daftarnya.") if listed else _("Yang diminta.")
    return {
        "description": str(told),
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    }


def _components() -> dict[str, Any]:
    kinds = [records.Meta, records.Index, *(each.record for each in RESOURCES)]
    used = {each.__name__: each for kind in kinds for each in used_by(kind)}
    schemas = {name: schema_of(each) for name, each in sorted(used.items())}
    schemas |= {"Problem": _problem(), "Refusal": schema_of(records.Refusal)}
    wait = {"Retry-After": _ref("headers", "Retry-After")}
    problem = {_PROBLEM: {"schema": _ref("schemas", "Problem")}}
    text: Schema = {"type": "string"}
    return {
        "schemas": schemas,
        "responses": {
            "Refused": {
                "description": str(_("Parameter yang salah atau tidak dikenal; sebutannya ada.")),
                "content": problem,
            },
            "TooMany": {
                "description": str(_("Terlalu banyak permintaan dari satu alamat.")),
                "headers": wait,
                "content": problem,
            },
            "Busy": {
                "description": str(_("Sedang sibuk; coba lagi.")),
                "headers": wait,
                "content": problem,
            },
        },
        "headers": {
            "ETag": {"description": str(_("Tanda dari isi jawaban ini.")), "schema": text},
            "Cache-Control": {
                "description": str(_("Berapa detik jawaban ini boleh disimpan.")),
                "schema": text,
            },
            "Link": {
                "description": str(_("Lisensi; pada daftar juga halaman-halamannya (RFC 8288).")),
                "schema": text,
            },
            "Retry-After": {
                "description": str(_("Sesudah berapa detik boleh bertanya lagi.")),
                "schema": {"type": "integer", "minimum": 1},
            },
        },
    }


def _problem() -> Schema:
    """As RFC 9457 has it (its type is about:blank, which is not written)."""
    return {
        "type": "object",
        "description": str(_("Apa yang salah (RFC 9457).")),
        "properties": {
            "title": {"type": "string", "description": str(_("Jenis kesalahannya."))},
            "status": {"type": "integer", "description": str(_("Status HTTP."))},
            "detail": {
                "type": "string",
                "description": str(_("Apa yang terjadi, dan apa yang bisa dilakukan.")),
            },
            "parameters": {
                "type": "array",
                "description": str(_("Parameter yang tidak bisa dipakai.")),
                "items": _ref("schemas", "Refusal"),
            },
        },
        "required": ["title", "status", "detail"],
    }
