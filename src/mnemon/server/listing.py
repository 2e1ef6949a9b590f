"""The OpenAPI document as one small page, without scripts and without the internet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff;overflow-wrap:break-word}code{font-family:ui-monospace,monospace}"
    "h2{margin-top:2.5rem}nav{columns:16rem}nav a{display:block}p{white-space:pre-line}"
    "table{border-collapse:collapse}td{padding:.1rem 1rem .1rem 0;vertical-align:top}"
    "@media(max-width:40rem){tr{display:block;padding:.3rem 0}"
    "td{display:inline;padding:0 .6rem 0 0}td:last-child{display:block}}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#1a1a1a}a{color:#8bf}}"
)
_CODE = re.compile(r"`([^`]+)`")


def page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    title = escape(document["info"]["title"])
    calls = [
        (f"{method.upper()} {path}", call)
        for path, of_path in document["paths"].items()
        for method, call in of_path.items()
    ]
    links = [
        f'<a href="#{call["operationId"]}"><code>{escape(name)}</code></a>' for name, call in calls
    ]
    sections = [_section(name, call, document) for name, call in calls]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style><h1>{title}</h1>"
        f"<p>{_words(document['info'].get('description', ''))}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
        f"<nav>{''.join(links)}</nav>{''.join(sections)}</html>"
    )


def _section(name: str, call: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    rows = [*_parameters(call), *_body(call, document)]
    table = f"<table>{''.join(rows)}</table>" if rows else ""
    told = _words(call.get("description", ""))
    title = f'<h2 id="{call["operationId"]}"><code>{escape(name)}</code></h2>'
    return f"{title}<p>{told}</p>{table}"


def _words(told: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(told))


def _parameters(call: Mapping[str, Any]) -> Iterator[str]:
    for one in call.get("parameters", ()):
        told = one.get("description", "")
        yield _row(one["name"], one["in"], one["schema"], told, one.get("required", False))


def _body(call: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    content = call.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    needed = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield _row(name, "body", field, field.get("description", ""), name in needed)


def _row(name: str, where: str, schema: Mapping[str, Any], told: str, needed: bool) -> str:
    must = "<b>needed</b> " if needed and where != "path" else ""
    cells = (f"<code>{escape(name)}</code>", where, escape(_type(schema)), must + _words(told))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _type(schema: Mapping[str, Any]) -> str:
    options = schema.get("anyOf") or schema.get("allOf")
    if options:
        named = dict.fromkeys(_type(one) for one in options)
        return " or ".join(name for name in named if name != "null")
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))
