"""Memory: the system calls. It checks, asks methods, and lets the store commit."""

from __future__ import annotations

import builtins
from collections.abc import Generator, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from mnemon import intake, methods, removal
from mnemon import namespace as paths
from mnemon.artifacts import Artifacts
from mnemon.choosing import Kinds, chosen, micros
from mnemon.cube import Document, Draft, Event, Hit, Link, MemCube, Recall, Receipt, Rollback
from mnemon.embedding import Embedding
from mnemon.errors import AccessDenied, InvalidInput, MnemonError, NotFound
from mnemon.forgetting import check_narrowed, check_one, forget_chosen
from mnemon.instant import Instant
from mnemon.jobs.crew import Crew
from mnemon.recording import Recorder
from mnemon.searching import Searcher
from mnemon.store import Store, open_store
from mnemon.store.address import default_path
from mnemon.store.rows import Filter, Problem

if TYPE_CHECKING:
    from mnemon.assembly import Counter
    from mnemon.compiling import CompileReport
    from mnemon.compiling.selecting import Selection
    from mnemon.cubes import Cubes
    from mnemon.jobs import Jobs
    from mnemon.kv.policy import Policy
    from mnemon.kv.tiers import Tiers
    from mnemon.models.embed import Embedder
    from mnemon.persons import PersonReceipt
    from mnemon.portable import ImportReport
    from mnemon.weights.promotion.gate import Gate

_UNSET: Any = object()
_MOST_TOKENS = 10**12  # more than any memory has; beyond 64 bits they could not be added up


class Memory:
    """A memory: what was added can be searched, recalled, corrected and forgotten.

    Args:
        path: a file (made if it is not there), ":memory:" for a volatile one, None for the user's
            own store in the platform's user-data folder, the postgresql:// URL of a database, or
            the http(s) address of a server.
        namespace: where calls that name none work; reads see it and everything below it.
        embedder: a method of the slot `models.embed` by name, or an object with its protocol;
            None uses the store's own, or the bundled `context` for a new store.
        program: a method of the slot `text.programs`, or an instance of one.
        actor: who acts; checked against cubes' policies and written in the journal.
        read_only: open without the right to write.
        timeout: seconds to wait for another process's write before StoreBusy.
        max_bytes: refuse to let the database grow beyond this (StoreFull).
        count_tokens: texts → tokens of each, for budgets; the bundled word-piece model's if None.
        api_key: what a server asks for; a file asks for none.

    Raises:
        StoreCorrupt, StoreTooNew, StoreReadOnly, StoreError: the store cannot be opened.
    """

    def __new__(cls, path: str | Path | None = None, **_: Any) -> Memory:
        if cls is Memory and isinstance(path, str) and path.startswith(("http://", "https://")):
            from mnemon.client import RemoteMemory

            return super().__new__(RemoteMemory)  # a subclass: Python goes on with its __init__
        return super().__new__(cls)

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        namespace: str = paths.DEFAULT,
        embedder: Embedder | str | None = None,
        program: Any = "default",
        actor: str = "user",
        read_only: bool = False,
        timeout: float = 30.0,
        max_bytes: int | None = None,
        count_tokens: Counter | None = None,
        api_key: str | None = None,
    ) -> None:
        if api_key is not None:
            raise InvalidInput(f"api_key= is for a server's http(s) address, and {path!r} is none")
        self.namespace = paths.check(namespace)
        self.actor = actor
        named = isinstance(program, str)
        self._program = methods.load("text.programs", program) if named else program
        address = str(default_path() if path is None else path)
        self._store: Store = open_store(
            address, read_only=read_only, timeout=timeout, max_bytes=max_bytes
        )
        removal.catch_up(self._store)
        self._embedding = Embedding(self._store, embedder)
        self._recorder = Recorder(self._store, self._embedding, actor)
        self._searcher = Searcher(self._store, self._embedding, self._program, count_tokens)
        self.artifacts = Artifacts(self._store, self.namespace, actor)
        self._crew = Crew()

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: Any
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Memory({self._store.address!r}, namespace={self.namespace!r})"

    @property
    def path(self) -> str:
        """The store's address: a file path or ":memory:"."""
        return self._store.address

    @property
    def jobs(self) -> Jobs:
        """Calls that go on in the background: start, look, cancel, retry (see `Jobs`)."""
        from mnemon.jobs import Jobs

        return Jobs(self, self._store, self._crew)

    def close(self) -> None:
        """Finish what is under way and give everything back. Closing twice is no error."""
        try:
            self._crew.close()
            self._searcher.close()
        finally:
            self._store.close()

    def _prepared(self) -> Memory:
        """Itself, once its program has what it needs; closed if it lacks something."""
        try:
            self._searcher.prepare()
        except MnemonError:
            self.close()
            raise
        return self

    def acting(self, actor: str) -> Memory:
        """The same memory for another actor. It stays one memory: closing either closes both."""
        other = copy(self)
        other.actor = actor
        other._recorder = Recorder(self._store, self._embedding, actor)
        other.artifacts = Artifacts(self._store, self.namespace, actor)
        return other

    @overload
    def add(  # type: ignore[overload-overlap]  # text is also an iterable of text
        self,
        content: str | Mapping[str, Any] | Draft | Document,
        *, namespace: str | None = None, speaker: str | None = None, session: str | None = None,
        at: Instant | None = None, kind: str | None = None,
        metadata: Mapping[str, Any] | None = None, source: str | None = None,
        key: str | None = None,
    ) -> MemCube: ...  # fmt: skip
    @overload
    def add(
        self,
        content: Iterable[str | Mapping[str, Any] | Draft],
        *, namespace: str | None = None, speaker: str | None = None, session: str | None = None,
        at: Instant | None = None, kind: str | None = None,
        metadata: Mapping[str, Any] | None = None, source: str | None = None, key: None = None,
    ) -> builtins.list[MemCube]: ...  # fmt: skip
    def add(
        self, content: Any, *, namespace: str | None = None, speaker: str | None = None,
        session: str | None = None, at: Instant | None = None, kind: str | None = None,
        metadata: Mapping[str, Any] | None = None, source: str | None = None,
        key: str | None = None,
    ) -> MemCube | builtins.list[MemCube]:  # fmt: skip
        """Remember. Durable and searchable when it returns; many items go in all or none.

        Args:
            content: text, a chat message (`{"role": …, "content": …}`), a `Draft`, an iterable
                of these, or a `Document`.
            namespace: where to; the memory's own if None.
            speaker, session, at, kind, metadata, source: for items that do not say themselves.
                `at` is when it was true (default: now), `kind` is "episode" by default.
            key: idempotency key of a single item: adding the same again returns what is there.

        Returns:
            The cube, or a list of cubes for an iterable. A Document gives the cube for the whole;
            its passages are linked `part_of` it.

        Raises:
            EmptyContent, InvalidText, ContentTooLarge, InvalidTime, InvalidMetadata,
            InvalidNamespace, QuotaExceeded, KeyReused: what is wrong; nothing was written.
        """
        scope = self._scope(namespace)
        defaults = {
            "speaker": speaker, "session": session, "at": at, "kind": kind,
            "metadata": metadata, "source": source, "key": key,
        }  # fmt: skip
        if isinstance(content, Document):
            whole = replace(content, key=key or content.key)
            drafts = methods.load("text.represent", "passages").represent(whole)
            return self._recorder.add(scope, intake.drafts(drafts, {**defaults, "key": None}))[0]
        drafts = intake.drafts(content, defaults)
        single = isinstance(content, str | Mapping | Draft)
        if key is not None and not single:
            raise InvalidInput("key= names one item: put a key into each Draft instead")
        drafts = methods.load("text.represent", self._program.represent).represent(drafts)
        cubes = self._recorder.add(scope, drafts)
        return cubes[0] if single else cubes

    def search(
        self, query: str, k: int = 10, *, namespace: str | None = None, kind: Kinds = None,
        speaker: str | None = None, session: str | None = None, since: Instant | None = None,
        until: Instant | None = None, as_of: Instant | None = None,
        valid_at: Instant | None = None, at: Instant | None = None, min_score: float = 0.0,
        explain: bool = False,
    ) -> builtins.list[Hit]:  # fmt: skip
        """The k cubes that answer a query best, best first; an empty list: nothing is relevant.

        Args:
            kind, speaker, session: only such cubes.
            since, until: only cubes true from / before this time (`valid_from`).
            as_of: search the memory as it was at that moment.
            valid_at: only what was true at that moment; by default what has not ended.
            at: when it is asked ("last week" counts from then); default: now, or `as_of`.
            min_score: leave out hits scored lower; scores lie in [0, 1].
            explain: fill the reasons' details with what matched, and tell the ranker's judgement.

        Raises:
            InvalidInput: k below 1, or a query that is no text. A failed search raises.
        """
        within = self._chosen(
            namespace, kind=kind, speaker=speaker, session=session, since=since, until=until,
            as_of=as_of, valid_at=valid_at, ended=False,
        )  # fmt: skip
        return self._searcher.search(query, k, within, min_score, explain, micros(at))

    def recall(
        self, query: str, budget: int = 1000, *, namespace: str | None = None, kind: Kinds = None,
        as_of: Instant | None = None, at: Instant | None = None, min_score: float = 0.0,
    ) -> Recall:  # fmt: skip
        """Text for a prompt: what bears on the query, within `budget` tokens, in time order, cited.

        Raises:
            InvalidInput: a budget below 1, or a query that is no text.
        """
        within = self._chosen(namespace, kind=kind, as_of=as_of, ended=False)
        budget = min(budget, _MOST_TOKENS)
        return self._searcher.recall(query, budget, within, min_score, micros(at))

    def get(
        self, id: str, *, namespace: str | None = None, version: int | None = None,
        as_of: Instant | None = None,
    ) -> MemCube:  # fmt: skip
        """A cube: its current version, a version by number, or the one of a moment.

        Raises:
            NotFound: no such cube in the namespace (or it was forgotten, or not there yet).
        """
        if version is not None:
            past = self.history(id, namespace=namespace)
            found = [cube for cube in past if cube.version == version]
            if not found:
                raise NotFound(f"cube {id} has versions 1 to {past[-1].version}, not {version}")
        else:
            within = self._chosen(namespace, as_of=as_of, ids=(id,))
            found = [cube for _, cube in self._store.select(within)]
        if not found:
            raise NotFound(f"no cube {id} in namespace {self._scope(namespace)!r}")
        return found[0]

    def list(
        self, *, namespace: str | None = None, kind: Kinds = None, speaker: str | None = None,
        session: str | None = None, metadata: Mapping[str, Any] | None = None,
        since: Instant | None = None, until: Instant | None = None, as_of: Instant | None = None,
        valid_at: Instant | None = None, after: str | None = None, limit: int = 100,
    ) -> builtins.list[MemCube]:  # fmt: skip
        """Cubes in the order they were recorded, at most `limit`.

        `after` is the id of the last cube of the page before. `metadata` must be contained in the
        cube's: a list there matches when it holds the value.
        """
        within = self._chosen(
            namespace, kind=kind, speaker=speaker, session=session, since=since, until=until,
            as_of=as_of, valid_at=valid_at, metadata=metadata or {},
        )  # fmt: skip
        start = self._row_of(after, within) if after is not None else 0
        return [cube for _, cube in self._store.select(within, after=start, limit=limit)]

    def _row_of(self, id: str, within: Filter) -> int:
        rows = self._store.select(Filter(within.namespace, ids=(id,), as_of=within.as_of))
        if not rows:
            raise NotFound(f"cannot go on after {id}: it is no longer in {within.namespace!r}")
        return rows[0][0]

    def find(self, ending: str, *, namespace: str | None = None) -> builtins.list[str]:
        """Ids in a namespace that end in some characters, forgotten cubes' included; at most ten.

        Ids begin with the time, so it is the end that tells them apart.
        """
        return self._store.find(self._scope(namespace), ending.lower())

    def count(self, *, namespace: str | None = None, kind: Kinds = None) -> int:
        """How many current cubes there are."""
        return self._store.count(self._chosen(namespace, kind=kind))

    def history(self, id: str, *, namespace: str | None = None) -> builtins.list[MemCube]:
        """All versions of a cube that this actor may read, oldest first, also of a forgotten one.

        Raises:
            NotFound: the namespace never had it, it was purged, or its last version is not his.
        """
        scope = self._scope(namespace)
        versions = self._store.history(scope, id)
        if not versions or not self._may_read(versions[-1]):
            raise NotFound(f"no cube {id} in namespace {scope!r}")
        return [version for version in versions if self._may_read(version)]

    def _may_read(self, cube: MemCube) -> bool:
        return not cube.policy.readers or self.actor in cube.policy.readers

    def update(
        self, /, id: str, content: str = _UNSET, *, version: int | None = None,
        namespace: str | None = None, **changes: Any,
    ) -> MemCube:  # fmt: skip
        """A new version of a cube; the past stays and can be asked.

        Args:
            version: the version you read; the update is refused if it is no longer the latest.
                None updates whatever is current.
            changes: `kind`, `speaker`, `session`, `at`, `valid_to`, `metadata`, `source`,
                `confidence`, `policy`.

        Raises:
            VersionConflict: someone else updated it.
            NotFound: no such current cube.
            AccessDenied: its policy names other writers.
        """
        current = self.get(id, namespace=namespace)
        self._may_write(current)
        if content is not _UNSET:
            changes["content"] = content
        return self._recorder.revise(current, version or current.version, changes, "update")

    def restore(
        self, id: str, version: int | None = None, *, namespace: str | None = None
    ) -> MemCube:
        """Bring back an old version (the last one of a forgotten cube) as the newest version."""
        past = self.history(id, namespace=namespace)
        self._may_write(past[-1])
        latest = past[-1].version
        found = [cube for cube in past if cube.version == (version or latest)]
        if not found:
            raise NotFound(f"cube {id} has versions 1 to {latest}, not {version}")
        return self._recorder.revise(found[0], latest, {}, "restore")

    def rollback(
        self, to: Instant, *, namespace: str | None = None, dry_run: bool = False
    ) -> Rollback:
        """Make a namespace's text what it was at a moment, by new versions, all or none.

        The past stays, what was written since included. Doing it twice changes nothing more.

        Raises:
            AccessDenied, OnHold: a cube that would change may not be; nothing was changed.
            VersionConflict: somebody wrote meanwhile: call it again.
        """
        from mnemon.rollback import roll_back

        scope = self._scope(namespace)
        return roll_back(self, self._store, self._recorder, scope, to, dry_run)

    def _may_write(self, cube: MemCube) -> None:
        if cube.policy.writers and self.actor not in cube.policy.writers:
            raise AccessDenied(
                f"{self.actor!r} may not change cube {cube.id}: its policy names "
                f"{', '.join(cube.policy.writers)}"
            )

    def cube(self, *ids: str, namespace: str | None = None) -> Cubes:
        """Some cubes, to be composed, fused, exported or migrated (docs/cubes.md)."""
        from mnemon.cubes import Cubes

        return Cubes(self, ids, namespace)

    def link(
        self, src: str, type: str, dst: str, *, weight: float = 1.0,
        metadata: Mapping[str, Any] | None = None, namespace: str | None = None,
    ) -> Link:  # fmt: skip
        """Link two cubes; linking again sets weight and metadata.

        Raises:
            NotFound: either is not a current cube of the namespace.
        """
        intake.check_content(type)
        scope = self._scope(namespace)
        self._may_write(self.get(src, namespace=scope))
        self.get(dst, namespace=scope)
        link = Link(src, type, dst, weight, intake.check_metadata(metadata or {}))
        self._store.link(scope, link, self.actor)
        return next(
            found
            for found in self._store.links(scope, src)
            if (found.src, found.type, found.dst) == (src, type, dst)
        )

    def unlink(self, src: str, type: str, dst: str, *, namespace: str | None = None) -> bool:
        """End a link; whether there was one."""
        scope = self._scope(namespace)
        self._may_write(self.get(src, namespace=scope))
        return self._store.unlink(scope, Link(src, type, dst), self.actor)

    def links(
        self, id: str, *, namespace: str | None = None, as_of: Instant | None = None
    ) -> builtins.list[Link]:
        """Links from and to a cube, oldest first; none of or to a cube this actor may not read."""
        scope = self._scope(namespace)
        found = self._store.links(scope, id, micros(as_of))
        ends = tuple({id, *(end for link in found for end in (link.src, link.dst))})
        may = self._chosen(scope, ids=ends, as_of=as_of, forgotten=as_of is None)
        seen = {cube.id for _, cube in self._store.select(may)}
        return [link for link in found if link.src in seen and link.dst in seen]

    def forget(
        self, ids: str | Iterable[str] | None = None, *, namespace: str | None = None,
        kind: Kinds = None, speaker: str | None = None, session: str | None = None,
        since: Instant | None = None, until: Instant | None = None,
        metadata: Mapping[str, Any] | None = None, version: int | None = None,
        dry_run: bool = False, purge: bool = False,
    ) -> Receipt:  # fmt: skip
        """Forget cubes by id or by what they are, with everything that was derived from them.

        Without `purge` the past keeps them: `as_of`, `history` and `restore` reach them. With it no
        byte of them is left in any file of the store, in no version, forgotten ones included.

        Args:
            ids: these; or None for all that the other arguments choose (at least one is needed;
                `namespace=` alone forgets all of it).
            version: the version you read of the one id that is given; it is not forgotten if that
                is no longer the latest.
            dry_run: count only.

        Raises:
            InvalidInput: nothing says what to forget, or a version of several.
            VersionConflict: someone else updated it.
            AccessDenied: one of them has a policy with other writers, or is on hold (OnHold); none
                was forgotten.
            PurgeIncomplete: readers in other processes kept the old bytes alive; fsck(repair=True)
                finishes.
        """
        check_narrowed(ids, namespace, kind, speaker, session, since, until, metadata or None)
        wanted = None if ids is None else (ids,) if isinstance(ids, str) else tuple(ids)
        check_one(wanted, version)
        doomed = self._chosen(
            namespace, kind=kind, speaker=speaker, session=session, since=since, until=until,
            metadata=metadata or {}, ids=wanted, forgotten=purge,
        )  # fmt: skip
        cubes = [cube for _, cube in self._store.select(doomed)]
        for cube in cubes:
            self._may_write(cube)
        return forget_chosen(
            self._store, cubes, self.actor, dry_run=dry_run, purge=purge, version=version
        )

    def forget_person(
        self, person: str | Iterable[str], *, namespace: str | None = None, dry_run: bool = False
    ) -> PersonReceipt:
        """Purge a person by name (or names): what they said, what names them, all derived from it.

        A dry run shows a sample, and words that may mean them. Raises as `forget` does.
        """
        from mnemon import persons

        return persons.forget(self, self._scope(namespace), person, dry_run=dry_run)

    def feedback(
        self, ids: str | Iterable[str], helpful: bool, *, namespace: str | None = None
    ) -> None:
        """Say which recalled cubes, or adapters that answered, by their keys, helped (or not)."""
        for id in (ids,) if isinstance(ids, str) else ids:
            if "-" in id:  # an id; keys of adapters have none
                self.history(id, namespace=namespace)
            self._store.judge(self._scope(namespace), id, helpful)

    def reflect(self, *, namespace: str | None = None, progress: Any = None) -> int:
        """Run the program's maintenance; how many of its proposals were carried out.

        `progress` is called as progress(methods done, methods in all), at every proposal.
        """
        from mnemon.reflection import reflect

        self._searcher.flush()  # upkeep may ask how often a cube was read
        return reflect(self, self._store, self._program, self._scope(namespace), progress)

    def compile(
        self, selection: Selection, model: Any, form: str = "kv", *, tokenizer: Any = None,
        policy: Policy | str | None = None, to: Tiers | Path | str | None = None,
        namespace: str | None = None, head: Sequence[int] | None = None, progress: Any = None,
        alias: str = "current", gate: Gate | None = None, ask: str | None = None,
    ) -> CompileReport:  # fmt: skip
        """Compile cubes to a form that a model uses without reading their text again.

        Idempotent, and resumable: what is compiled and fresh is left alone. See docs/compiling.md.

        Args:
            selection: ids, cubes or hits; or a mapping of what `list` takes, or with a `query` of
                what `search` takes (`{}` is all of the namespace).
            model: a causal language model of transformers, a `Runtime`, or a name for `load`.
            form: `kv`: keys and values of each cube's text, computed alone. `weights`: facts in
                adapters (docs/weights-promotion.md), which `alias` points at if `gate` lets them;
                `ask` is how they are asked for, by default as the model's chat template asks.
            tokenizer: the model's; by default the one that lies beside its weights.
            policy: a low-bit form such as "kivi(bits=4)"; exact if None.
            to: a folder, a URL, or `Tiers`; by default a folder beside the store.
            head: tokens that stand before every text, as every prompt begins with them; by default
                the special token that the model's prompts begin with.
            progress: called as progress(cubes done, cubes in all); of weights, shards.

        Raises:
            InvalidInput: no such selection, form, policy or place; a model that cannot be used so.
            MissingExtra: torch or transformers is not installed.
        """
        from mnemon.compiling.selected import compile_selected

        return compile_selected(
            self, selection, model, form, tokenizer=tokenizer, policy=policy, to=to,
            namespace=namespace, head=head, progress=progress, alias=alias, gate=gate, ask=ask,
        )  # fmt: skip

    def expired(self, now: Instant, *, namespace: str | None = None) -> builtins.list[MemCube]:
        """Cubes whose policy keeps them until `now` or earlier; `reflect` retires them."""
        within = Filter(self._scope(namespace), retain_before=micros(now))
        return [cube for _, cube in self._store.select(within)]

    def log(
        self, *, namespace: str | None = None, cube: str | None = None, after: int = 0,
        before: int | None = None, limit: int = 100,
    ) -> builtins.list[Event]:  # fmt: skip
        """The newest `limit` events between two sequence numbers, oldest of them first."""
        return self._store.journal(self._scope(namespace), cube, after, limit, before)

    def namespaces(self) -> builtins.list[tuple[str, int]]:
        """(path, current cubes) of every namespace of the store: for its owner, not for a scope."""
        return self._store.namespaces(None)

    def size(self) -> dict[str, int]:
        """Counts and bytes of the whole store."""
        return self._store.size()

    def export(
        self, path: str | Path, *, namespace: str | None = None, artifacts: bool = False
    ) -> dict[str, int]:  # fmt: skip
        """Write one portable file (gzipped if it ends in .gz): the whole store, or a namespace.

        All versions, links, policies, usage and tombstones. What is compiled is made again where it
        is imported, or goes along: with `artifacts`, small ones whole, others as recipes. Returns
        counts.
        """
        from mnemon import portable

        return portable.write(Path(path), self.dump(namespace=namespace, artifacts=artifacts))

    def dump(self, *, namespace: str | None = None, artifacts: bool = False) -> Generator[bytes]:
        """The lines that `export` writes, of one moment, for a stream; close it to stop early."""
        from mnemon import portable, portable_artifacts

        self._searcher.flush()
        scope = None if namespace is None else paths.check(namespace)
        compiled = portable_artifacts.records(self._store, scope) if artifacts else ()
        return portable.lines(chain(self._store.dump(scope), compiled), scope)

    def import_(
        self, /, path: str | Path, format: str | None = None, *, namespace: str | None = None,
        progress: Any = None, **options: Any,
    ) -> ImportReport:  # fmt: skip
        """Read a portable file, or a real history (see the slot `importers`), into this memory.

        Idempotent: what is there already is left alone, so an interrupted import is simply run
        again. A malformed entry is reported and skipped.

        Args:
            format: "mnemon", or an importer's name; found out from the file if None.
            namespace: where a history goes (a portable file knows its own namespaces).
            progress: called as progress(bytes done, bytes in all).
            options: the importer's own.

        Raises:
            ImportFailed: the file as a whole cannot be read.
        """
        from mnemon.histories import import_any

        return import_any(
            self, self._store, self._embedding, Path(path), format, self._scope(namespace),
            progress, options,
        )  # fmt: skip

    def reindex(
        self, embedder: Embedder | str | None = None, *, keep: bool = False, progress: Any = None
    ) -> int:
        """Move the store to another embedder (None: fill gaps of its own); vectors written.

        Searches go on in the old space until every cube has a vector in the new one. `keep` leaves
        the old space beside it.
        """
        from mnemon.reindexing import reindex

        return reindex(self._store, self._embedding, embedder, keep, progress)

    def fsck(self, *, repair: bool = False) -> builtins.list[Problem]:
        """Check every promise of the store; an empty list is a sound store."""
        if repair:
            removal.carry_out(self._store, orphans=True)
        return [*self._store.fsck(repair), *removal.problems(self._store)]

    def _scope(self, namespace: str | None) -> str:
        return self.namespace if namespace is None else paths.check(namespace)

    def _chosen(self, namespace: str | None, **given: Any) -> Filter:
        return chosen(self._scope(namespace), self.actor, **given)
