"""Numbers that say whose they are: a tenant's number in the upper bits of rows and namespaces.

The store is asked about rows and namespaces by number alone; so it knows the tenant, and with it
the node, without a look-up. Both grow in the order of recording within a tenant.
"""

from __future__ import annotations

from collections.abc import Iterable

_ROW = 35
_PLACE = 31
NOBODY = 0
"""A tenant that has nothing."""


def first_row(tenant: int) -> int:
    """The number before a tenant's first row."""
    return tenant << _ROW


def first_place(tenant: int) -> int:
    """The number before a tenant's first namespace."""
    return tenant << _PLACE


def of_row(row: int) -> int:
    """Whose a row is."""
    return row >> _ROW


def of_place(num: int) -> int:
    """Whose a namespace is."""
    return num >> _PLACE


def by_tenant(rows: Iterable[int]) -> dict[int, list[int]]:
    """Rows by tenant; of those that are asked for together it is one as a rule."""
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(of_row(row), []).append(row)
    return found


def tenant_name(namespace: str) -> str:
    """The first segment of a namespace's path: the unit that stays together on one node."""
    return namespace.partition("/")[0]
