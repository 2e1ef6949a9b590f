"""What is compiled, as lines of the portable file: with its bytes if they are few, or a recipe.

A recipe says what `derive` was told: form, sources with versions, method, options and model. Where
the file is imported, an artifact is taken only if every source is there in the version it names:
ids and versions are the cubes' own in every store, so that it is as fresh there as it was.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from mnemon.artifacts import Artifact, Artifacts, key_of
from mnemon.errors import InvalidInput, MnemonError, NotFound, StaleArtifact
from mnemon.portable import ImportReport
from mnemon.store import Store
from mnemon.store.rows import Filter

MOST = 4 * 2**20
"""Bytes up to which an artifact is written whole; a larger one is a recipe."""


def records(store: Store, scope: str | None) -> Iterator[dict[str, Any]]:
    """The fresh artifacts of a namespace (of the whole store if None)."""
    every = [scope] if scope is not None else [path for path, _ in store.namespaces(None)]
    seen = set[str]()
    for path in every:
        for one in Artifacts(store, path, "").list():
            if one.fresh and one.key not in seen:
                seen.add(one.key)
                yield from _record(store, one)


def _record(store: Store, one: Artifact) -> Iterator[dict[str, Any]]:
    payload = None
    if not one.elsewhere and one.parent is None and one.size <= MOST and _key(one) == one.key:
        try:
            payload = Artifacts(store, one.namespace, "").open(one.key).payload
        except (NotFound, StaleArtifact):
            return  # a source changed since they were listed
    yield {
        "artifact": one.key, "form": one.form, "namespace": one.namespace, "method": one.method,
        "model": one.model, "header": dict(one.header),
        "sources": [list(source) for source in one.sources],
        "payload": None if payload is None else base64.b64encode(payload).decode(),
        "sha256": None if payload is None else hashlib.sha256(payload).hexdigest(),
    }  # fmt: skip


def _key(one: Artifact) -> str:
    options = one.header.get("options", {})
    return key_of(one.form, one.sources, one.method, one.model, options, one.namespace)


def restore(store: Store, actor: str, record: Mapping[str, Any], report: ImportReport) -> None:
    """Write one artifact, or say why not; cubes have been restored before."""
    if record["payload"] is None:
        report.recipes += 1
        return
    try:
        report.artifacts += _written(store, actor, record)
    except MnemonError as error:
        report.malformed.append((f"artifact {record['artifact'][:16]}", str(error)))


def _written(store: Store, actor: str, record: Mapping[str, Any]) -> bool:
    """Whether it was not there already."""
    scope, sources = record["namespace"], [(id, version) for id, version in record["sources"]]
    header = dict(record["header"])
    options = header.pop("options", {})
    key = key_of(
        record["form"], sources, record["method"], record["model"], options, scope
    )  # fmt: skip
    if key != record["artifact"]:
        raise InvalidInput("its key is not that of what it says it is: it was not taken")
    known = {cube.id: cube for _, cube in store.select(Filter(scope, ids=tuple(dict(sources))))}
    for id, version in sources:
        if id not in known:
            raise InvalidInput(f"its source {id} is not here: it was not taken")
        if known[id].version != version:
            raise InvalidInput(
                f"its source {id} is at version {known[id].version} here, and it was made from "
                f"{version}: make it again"
            )
    if store.artifact(scope, key) is not None:
        return False
    Artifacts(store, scope, actor).derive(
        record["form"], [known[id] for id, _ in sources], base64.b64decode(record["payload"]),
        method=record["method"], model=record["model"], options=options, header=header,
    )  # fmt: skip
    return True
