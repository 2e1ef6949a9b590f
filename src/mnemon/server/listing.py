"""The OpenAPI document as one small page, without scripts and without the internet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}code{font-family:ui-monospace,monospace}h2{margin-top:2.5rem}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.1rem 1rem .1rem 0;"
    "vertical-align:top}@media(prefers-color-scheme:dark){body{color:#ddd;background:#1a1a1a}"
    "a{color:#8bf}}"
)


def page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    title = escape(document["info"]["title"])
    sections = [
        _section(method.upper(), path, call, document)
        for path, calls in document["paths"].items()
        for method, call in calls.items()
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style><h1>{title}</h1>"
        f"<p>{escape(document['info'].get('description', ''))}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
        f"{''.join(sections)}</html>"
    )


def _section(method: str, path: str, call: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    rows = [*_parameters(call), *_body(call, document)]
    table = f"<table>{''.join(rows)}</table>" if rows else ""
    told = escape(call.get("description", ""))
    return f"<h2><code>{method} {escape(path)}</code></h2><p>{told}</p>{table}"


def _parameters(call: Mapping[str, Any]) -> Iterator[str]:
    for one in call.get("parameters", ()):
        yield _row(one["name"], one["in"], one["schema"], one.get("description", ""))


def _body(call: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    content = call.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, field in schema.get("properties", {}).items():
        yield _row(name, "body", field, field.get("description", ""))


def _row(name: str, where: str, schema: Mapping[str, Any], told: str) -> str:
    cells = (f"<code>{escape(name)}</code>", where, escape(_type(schema)), escape(told))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _type(schema: Mapping[str, Any]) -> str:
    options = schema.get("anyOf") or schema.get("allOf")
    if options:
        return " or ".join(dict.fromkeys(_type(one) for one in options))
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))
