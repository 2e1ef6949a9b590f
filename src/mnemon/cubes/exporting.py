"""Exporting: chosen cubes with all their versions, their links, and what is compiled from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon import portable
from mnemon.errors import NotFound

if TYPE_CHECKING:
    from mnemon.memory import Memory

Seen = dict[str, dict[str, Any]]
"""The cubes that were written, by id, as their lines say them."""


def export(
    memory: Memory, path: str | Path, ids: Sequence[str] | None = None, *,
    namespace: str | None = None, artifacts: bool = True,
) -> dict[str, int]:  # fmt: skip
    """Write a portable file of some cubes (gzipped if it ends in .gz); counts of what is in it.

    Args:
        ids: these, forgotten ones too; all of the namespace if None.
        namespace: where they are; the memory's own if None.
        artifacts: take along what is compiled from them alone: small ones whole, others as recipes.

    Raises:
        NotFound: no such cube; there is no file then.
    """
    return written(memory, Path(path), ids, namespace, artifacts)[0]


def written(
    memory: Memory, path: Path, ids: Sequence[str] | None, namespace: str | None, artifacts: bool
) -> tuple[dict[str, int], Seen]:
    """As `export`, and the cubes themselves."""
    wanted = None if ids is None else (ids,) if isinstance(ids, str) else tuple(ids)
    scope = memory.namespace if namespace is None else namespace
    seen = Seen()
    counts = portable.write(
        path, portable.lines(_chosen(memory, scope, wanted, artifacts, seen), scope)
    )
    if missing := set(wanted or ()) - seen.keys():
        path.unlink()
        raise NotFound(f"no cube {min(missing)} in namespace {scope!r}")
    return counts, seen


def _chosen(
    memory: Memory, scope: str, wanted: Sequence[str] | None, artifacts: bool, seen: Seen
) -> Iterator[dict[str, Any]]:
    with closing(memory.dump(namespace=scope, artifacts=artifacts)) as lines:
        for line in lines:
            record = json.loads(line)
            if "cube" in record and (wanted is None or record["cube"] in wanted):
                seen[record["cube"]] = record
                yield record
            elif (
                "link" in record and {record["link"]["src"], record["link"]["dst"]} <= seen.keys()
            ) or ("artifact" in record and {one for one, _ in record["sources"]} <= seen.keys()):
                yield record
