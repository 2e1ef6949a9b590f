"""The calls that write; each means what it means in `Memory`."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, overload

from mnemon import intake
from mnemon.choosing import Kinds
from mnemon.client.calls import Calls, kinds, moment, quoted
from mnemon.cube import Document, Draft, Link, MemCube, Receipt, Rollback
from mnemon.errors import InvalidInput
from mnemon.forgetting import check_narrowed
from mnemon.instant import Instant
from mnemon.persons import PersonReceipt, names_of
from mnemon.wire.plain import plain

_UNSET: Any = object()


class Writing(Calls):
    """Add, update, link, forget."""

    @overload
    def add(  # type: ignore[overload-overlap]  # text is also an iterable of text
        self,
        content: str | Mapping[str, Any] | Draft | Document,
        *,
        namespace: str | None = None,
        speaker: str | None = None,
        session: str | None = None,
        at: Instant | None = None,
        kind: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
        key: str | None = None,
    ) -> MemCube: ...
    @overload
    def add(
        self,
        content: Iterable[str | Mapping[str, Any] | Draft],
        *,
        namespace: str | None = None,
        speaker: str | None = None,
        session: str | None = None,
        at: Instant | None = None,
        kind: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
        key: None = None,
    ) -> builtins.list[MemCube]: ...
    def add(
        self,
        content: Any,
        *,
        namespace: str | None = None,
        speaker: str | None = None,
        session: str | None = None,
        at: Instant | None = None,
        kind: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
        key: str | None = None,
    ) -> MemCube | builtins.list[MemCube]:
        given = {
            "speaker": speaker, "session": session, "at": at, "kind": kind,
            "metadata": metadata, "source": source, "key": key,
        }  # fmt: skip
        if isinstance(content, Document):
            return self._add_document(content, namespace, given)
        drafts = intake.drafts(content, given)
        single = isinstance(content, str | Mapping | Draft)
        if key is not None and not single:
            raise InvalidInput("key= names one item: put a key into each Draft instead")
        told = [_told(draft) for draft in drafts]
        return self._post(  # type: ignore[no-any-return]
            "add", MemCube if single else list[MemCube], namespace,
            repeatable=all(draft.key for draft in drafts), content=told[0] if single else told,
        )  # fmt: skip

    def _add_document(
        self, document: Document, namespace: str | None, given: Mapping[str, Any]
    ) -> MemCube:
        whole = replace(document, at=moment(document.at), key=given["key"] or document.key)
        about = {**given, "at": moment(given["at"]), "key": None}
        made: MemCube = self._post(
            "add", MemCube, namespace, repeatable=bool(whole.key), document=plain(whole), **about
        )
        return made

    def update(
        self,
        id: str,
        content: str = _UNSET,
        *,
        version: int | None = None,
        namespace: str | None = None,
        **changes: Any,
    ) -> MemCube:
        if content is not _UNSET:
            intake.check_content(content)
            changes["content"] = content
        for name in ("at", "valid_to"):
            if name in changes:
                changes[name] = moment(changes[name])
        if "metadata" in changes:
            changes["metadata"] = intake.check_metadata(changes["metadata"])
        made: MemCube = self._post(
            f"update/{quoted(id)}", MemCube, namespace, version=version, **changes
        )
        return made

    def restore(
        self, id: str, version: int | None = None, *, namespace: str | None = None
    ) -> MemCube:
        made: MemCube = self._post(f"restore/{quoted(id)}", MemCube, namespace, version=version)
        return made

    def rollback(
        self, to: Instant, *, namespace: str | None = None, dry_run: bool = False
    ) -> Rollback:
        made: Rollback = self._post(
            "rollback", Rollback, namespace, repeatable=True, to=moment(to), dry_run=dry_run
        )
        return made

    def link(
        self,
        src: str,
        type: str,
        dst: str,
        *,
        weight: float = 1.0,
        metadata: Mapping[str, Any] | None = None,
        namespace: str | None = None,
    ) -> Link:
        made: Link = self._post(
            "link", Link, namespace, repeatable=True, src=src, type=type, dst=dst, weight=weight,
            metadata=intake.check_metadata(metadata or {}),
        )  # fmt: skip
        return made

    def unlink(self, src: str, type: str, dst: str, *, namespace: str | None = None) -> bool:
        done: bool = self._post(
            "unlink", dict, namespace, lambda told: told["unlinked"], src=src, type=type, dst=dst
        )
        return done

    def forget(
        self,
        ids: str | Iterable[str] | None = None,
        *,
        namespace: str | None = None,
        kind: Kinds = None,
        speaker: str | None = None,
        session: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        metadata: Mapping[str, Any] | None = None,
        version: int | None = None,
        dry_run: bool = False,
        purge: bool = False,
    ) -> Receipt:
        check_narrowed(ids, namespace, kind, speaker, session, since, until, metadata or None)
        wanted = ids if ids is None or isinstance(ids, str) else [*ids]
        receipt: Receipt = self._post(
            "forget", Receipt, namespace, repeatable=dry_run, ids=wanted, kind=kinds(kind),
            speaker=speaker, session=session, since=moment(since), until=moment(until),
            metadata=metadata, version=version, dry_run=dry_run, purge=purge,
        )  # fmt: skip
        return receipt

    def forget_person(
        self, person: str | Iterable[str], *, namespace: str | None = None, dry_run: bool = False
    ) -> PersonReceipt:
        receipt: PersonReceipt = self._post(
            "forget", PersonReceipt, namespace, repeatable=dry_run, person=[*names_of(person)],
            dry_run=dry_run,
        )  # fmt: skip
        return receipt

    def feedback(
        self, ids: str | Iterable[str], helpful: bool, *, namespace: str | None = None
    ) -> None:
        told = ids if isinstance(ids, str) else [*ids]
        return self._post(  # type: ignore[no-any-return]
            "feedback", None, namespace, ids=told, helpful=helpful
        )


def _told(draft: Draft) -> dict[str, Any]:
    """A draft as it is sent. What only Python can tell is wrong (a set in the metadata, an object
    as a time) is found here; everything else the server checks."""
    if not isinstance(draft.content, str):
        intake.check_content(draft.content)
    checked = replace(
        draft,
        at=moment(draft.at),
        valid_to=moment(draft.valid_to),
        metadata=intake.check_metadata(draft.metadata),
        policy=intake.check_policy(draft.policy),
    )
    return plain(checked)  # type: ignore[no-any-return]
