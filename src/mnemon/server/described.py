"""The description of the routes (OpenAPI) in the words that readers of it know.

JSON Schema tells a tuple place by place (`prefixItems`). Tools that make clients, or test servers,
from a description often cannot read that, so a tuple is told as a list of so many.
"""

from __future__ import annotations

from typing import Any


def plain(told: Any) -> None:
    """Change a description, or a part of it, in place."""
    if isinstance(told, list):
        for one in told:
            plain(one)
    if not isinstance(told, dict):
        return
    places = told.pop("prefixItems", None)
    if isinstance(places, list):
        kinds = [one for n, one in enumerate(places) if one not in places[:n]]
        told["items"] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    for one in told.values():
        plain(one)
