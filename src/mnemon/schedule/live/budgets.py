"""Budgets: how many bytes a namespace, with all below it, may hold in a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mnemon import namespace as paths
from mnemon.errors import InvalidInput
from mnemon.kv.budget import bytes_of
from mnemon.methods import nearest
from mnemon.store.rows import Budget

FORMS = ("kv", "kv.host", "kv.disk", "kv.remote", "adapter")
"""`kv` is keys and values in all places; a copy in host memory counts for `kv.host` only."""


def parsed(told: Iterable[str] | Mapping[str, int | str], namespace: str) -> list[Budget]:
    """Budgets from `kv=2GB`, or a mapping of form to size.

    Raises:
        InvalidInput: no such form or size.
    """
    pairs = told.items() if isinstance(told, Mapping) else [_pair(one) for one in told]
    return [_budget(form, size, paths.check(namespace)) for form, size in pairs]


def _pair(told: str) -> tuple[str, str]:
    form, sign, size = told.partition("=")
    if not sign:
        raise InvalidInput(f"{told!r} is no budget: write FORM=SIZE, such as kv=2GB")
    return form.strip(), size.strip()


def _budget(form: str, size: int | str, namespace: str) -> Budget:
    if form not in FORMS:
        more = "; text is limited by `mnemon quota`" if form in ("text", "embedding") else ""
        raise InvalidInput(f"no budget is for {form!r}: {nearest(form, list(FORMS))}{more}")
    if isinstance(size, str) and size.isdecimal():
        size = int(size)
    return Budget(namespace, form, bytes_of(form, size))


def merged(stored: Sequence[Budget], given: Sequence[Budget]) -> list[Budget]:
    """What was given goes before what is stored for the same namespace and form."""
    found = {(one.namespace, one.form): one for one in [*stored, *given]}
    return [found[key] for key in sorted(found)]


def over(budgets: Sequence[Budget], scope: str, form: str) -> list[Budget]:
    """Those of a form that what is kept in a scope counts for: of the scope and those above it."""
    return [one for one in budgets if one.form == form and paths.contains(one.namespace, scope)]


def below(budgets: Sequence[Budget], scope: str) -> list[str]:
    """Namespaces inside a scope that have budgets of their own: they are scheduled by
    themselves."""
    inside = {one.namespace for one in budgets if one.namespace != scope}
    return sorted(path for path in inside if paths.contains(scope, path))
