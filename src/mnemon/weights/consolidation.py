"""Consolidation: a namespace's facts to adapters, a shard at a time; what is fresh stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv.reuse.fingerprint import fingerprint, tokenizer_digest
from mnemon.weights import governance, layout, subjects
from mnemon.weights.ask import asking
from mnemon.weights.lesson import PHRASINGS, Lesson, Pair, lesson, pairs
from mnemon.weights.promotion.wearable import FORM
from mnemon.weights.write import Write, Written

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.choosing import Kinds
    from mnemon.cube import MemCube
    from mnemon.memory import Memory

ROLES = ("knowledge", "operation")


@dataclass(frozen=True, slots=True)
class Consolidated:
    """What a consolidation did.

    Attributes:
        trained: the adapters it made. kept: keys of those that were fresh already.
        unlearnt: keys of those among them that did not learn: no reader wears them.
        unread: ids of facts whose form is not known.
        withheld: ids of those that may not be compiled to weights (see `governance.withheld`).
    """

    trained: tuple[Artifact, ...]
    kept: tuple[str, ...]
    unlearnt: tuple[str, ...]
    unread: tuple[str, ...]
    withheld: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Taught:
    cube: MemCube
    lesson: Lesson
    subject: str


def consolidate(
    memory: Memory, model: Any, tokenizer: Any, *, method: str = "lora", kind: Kinds = "fact",
    cubes: Iterable[MemCube] | None = None, role: str = "knowledge", ask: str | None = None,
    progress: Callable[[int, int], None] | None = None, phrasings: int = 1,
    **options: Any,
) -> Consolidated:  # fmt: skip
    """Train a namespace's facts into adapters of a frozen model; only what has none that is fresh.

    A fact that was forgotten or changed took its shard's adapter with it: what else stood there is
    trained again, without it, and no other shard is.

    Args:
        model: of transformers; its weights are not changed.
        method: of the slot `weights.write`, with its options.
        kind: of the cubes that are taken, or several: a subject is read from the newest adapter
            only, so take all kinds that speak of it in one call. Left out is what is withheld
            (see `governance.withheld`).
        cubes: these instead, of whatever kind; what fresh adapters know stays known.
        role: `knowledge` or `operation`, for the manifest.
        ask: how the model is asked (see `mnemon.weights.ask`); by its chat template by default.
        progress: called with (done, in all), in shards.
        phrasings: of each question, 1 to 3: more are answered better in words that were not
            trained, and take longer to learn.

    Raises:
        InvalidInput: no such role, no place for the question in `ask`, or too many phrasings.
        UnknownName: no such method.
        StaleArtifact, NotForWeights: a fact changed, or was withheld, while it was trained.
    """
    _check(role, phrasings)
    put = asking(tokenizer, ask).form
    writer: Write = methods.load("weights.write", method, **options)
    base = bases(model, tokenizer)
    maker = methods.producer(writer)
    told = {**_chosen(writer), "ask": put, "role": role, **_beyond_one(phrasings)}
    fresh = _made_so(adapters(memory, base["model"]), maker, told)
    given = governance.current(memory, kind) if cubes is None else _with_known(memory, cubes, fresh)
    taught, unread, withheld = _taught(memory, given)
    kept, left = _left(taught, fresh)
    shards = _shards(left, writer.subjects)
    lessons = [_lessons(shard, tokenizer, put, phrasings) for shard in shards]
    config = writer.config(model, base["name"])
    trained: list[Artifact] = []
    for shard, written in zip(shards, writer.write(model, lessons), strict=True):
        header = _manifest(shard, written, base, config)
        trained.append(_derived(memory, shard, written, maker, told, header))
        if progress is not None:
            progress(len(trained), len(shards))
    return Consolidated(
        tuple(trained), tuple(one.key for one in kept),
        tuple(one.key for one in trained if not one.header["learnt"]), unread, withheld,
    )  # fmt: skip


def _chosen(writer: Any) -> dict[str, Any]:
    # What is not chosen is not told: an option that came later leaves older adapters fresh.
    return {name: one for name, one in asdict(writer).items() if one is not None}


def _made_so(found: Sequence[Artifact], maker: str, told: dict[str, Any]) -> list[Artifact]:
    return [one for one in found if one.method == maker and one.header["options"] == told]


def _lessons(shard: Sequence[_Taught], tokenizer: Any, ask: str, phrasings: int) -> list[Pair]:
    return [pair for one in shard for pair in pairs(one.lesson, tokenizer, ask, phrasings)]


def _beyond_one(phrasings: int) -> dict[str, int]:
    return {"phrasings": phrasings} if phrasings > 1 else {}


def _check(role: str, phrasings: int) -> None:
    if role not in ROLES:
        raise InvalidInput(f"no adapter has the role {role!r}: {' or '.join(ROLES)}")
    if not 1 <= phrasings <= PHRASINGS:
        raise InvalidInput(f"{phrasings} phrasings of a question: take 1 to {PHRASINGS}")


def bases(model: Any, tokenizer: Any) -> dict[str, str]:
    """What adapters are bound to: `model` (a digest of the base's weights, architecture and
    tokenizer), `tokenizer` (its own) and `name`."""
    return {
        "model": fingerprint(model, tokenizer).digest,
        "tokenizer": tokenizer_digest(tokenizer),
        "name": str(getattr(model.config, "_name_or_path", "") or type(model).__name__),
    }


def adapters(memory: Memory, model: str) -> list[Artifact]:
    """The fresh adapters of a namespace for a base, oldest first, without payloads."""
    return [one for one in memory.artifacts.list(FORM) if one.fresh and one.model == model]


def _taught(
    memory: Memory, given: Sequence[MemCube]
) -> tuple[list[_Taught], tuple[str, ...], tuple[str, ...]]:  # fmt: skip
    taught, unread = list[_Taught](), list[str]()
    withheld = governance.withheld(memory, given)
    for cube in given:
        if cube.id in withheld:
            continue
        if (read := lesson(cube)) is None:
            unread.append(cube.id)
        else:
            subject = subjects.digest(read.subject, memory.namespace)
            taught.append(_Taught(cube, read, subject))
    return taught, tuple(unread), tuple(withheld)


def _with_known(
    memory: Memory, cubes: Iterable[MemCube], fresh: Sequence[Artifact]
) -> list[MemCube]:
    """Cubes, and those in fresh adapters: a shard that is made again is made of both."""
    found = {cube.id: cube for cube in cubes}
    known = {id for one in fresh for id, _ in one.sources}
    return [*found.values(), *sources(memory, known - found.keys())]


def sources(memory: Memory, ids: Iterable[str]) -> list[MemCube]:
    """The current cubes with these ids, in the order they were recorded."""
    wanted = tuple(ids)
    return [cube for _, cube in memory._store.select(memory._chosen(None, ids=wanted))]


def _left(
    taught: Sequence[_Taught], fresh: Sequence[Artifact]
) -> tuple[list[Artifact], list[_Taught]]:  # fmt: skip
    """The adapters that stay, and what none of them has.

    A subject's facts stand together: where one is new, the shard of the others is made again.
    """
    sources = {source for one in fresh for source in one.sources}
    moved = {one.subject for one in taught if (one.cube.id, one.cube.version) not in sources}
    kept: list[Artifact] = []
    staying: set[tuple[str, int]] = set()
    for one in reversed(fresh):
        if moved.isdisjoint(one.header["subjects"]) and staying.isdisjoint(one.sources):
            kept.append(one)
            staying.update(one.sources)
    return kept, [one for one in taught if (one.cube.id, one.cube.version) not in staying]


def _shards(taught: Sequence[_Taught], subjects: int) -> list[list[_Taught]]:
    """Facts by their subjects, `subjects` a shard, in the order of their digests."""
    by_subject: dict[str, list[_Taught]] = {}
    for one in sorted(taught, key=lambda one: (one.subject, one.cube.id)):
        by_subject.setdefault(one.subject, []).append(one)
    each = list(by_subject.values())
    return [
        [one for group in each[start : start + subjects] for one in group]
        for start in range(0, len(each), subjects)
    ]


def _derived(
    memory: Memory, shard: Sequence[_Taught], written: Written, maker: str, told: dict[str, Any],
    header: dict[str, Any],
) -> Artifact:  # fmt: skip
    return memory.artifacts.derive(
        FORM, [one.cube for one in shard], layout.to_bytes(written.tensors), method=maker,
        model=header["base"]["model"], options=told, header=header,
    )  # fmt: skip


def _manifest(
    shard: Sequence[_Taught], written: Written, base: dict[str, str], config: dict[str, Any]
) -> dict[str, Any]:
    return {
        "subjects": sorted({one.subject for one in shard}),
        "base": base,
        "figures": written.figures,
        "learnt": written.learnt,
        "adapter_config": config,
    }
