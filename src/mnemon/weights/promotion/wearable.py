"""Which adapters may answer: what an alias promotes, and what its canary tries."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mnemon.errors import NotFound
from mnemon.weights.promotion.alias import CANARY, CURRENT, history, standing

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.memory import Memory
    from mnemon.store.rows import Promotion

FORM = "adapter"


@dataclass(frozen=True, slots=True)
class Wearable:
    """The adapters that may answer.

    Attributes:
        found: all of them, oldest first. num: of the newest line of the alias; 0 without one.
        routes: of a subject's digest the key of its adapter.
        tried: the same of a canary, which answers `share` of all questions.
    """

    found: tuple[Artifact, ...]
    num: int
    routes: Mapping[str, str]
    tried: Mapping[str, str] = field(default_factory=dict)
    share: float = 0.0

    def takes(self, text: str) -> bool:
        """Whether the canary answers a question, or a session's, by a digest: always the same."""
        first = hashlib.sha256(text.encode()).digest()[:8]
        return int.from_bytes(first, "big") < self.share * 2**64


def learnt(memory: Memory, model: str) -> list[Artifact]:
    """The fresh adapters with knowledge of a namespace for a base that learnt, oldest first."""
    return [
        one for one in memory.artifacts.list(FORM)
        if one.fresh and one.model == model
        and one.header["learnt"] and one.header["options"]["role"] == "knowledge"
    ]  # fmt: skip


def routes(found: Sequence[Artifact]) -> dict[str, str]:
    """Of each subject's digest the key of its newest adapter.

    A shard that was made again has its older form beside it for a while.
    """
    return {subject: one.key for one in found for subject in one.header["subjects"]}


def wearable(
    memory: Memory, model: str, alias: str = CURRENT, keys: Collection[str] | None = None
) -> Wearable:
    """What an alias promotes for a base, as far as it is fresh; all that is fresh while there is no
    alias `current`.

    Args:
        keys: these instead, whatever the alias says.

    Raises:
        NotFound: no such alias, and it is not `current`; or one of `keys` is no fresh adapter that
            learnt.
    """
    found = learnt(memory, model)
    if keys is not None:
        return Wearable(chosen := _these(found, keys, memory.namespace), 0, routes(chosen))
    past = history(memory, alias, model)
    line = standing(past)
    if line is None:
        if alias != CURRENT:
            raise NotFound(f"no alias {alias!r} in namespace {memory.namespace!r} for this model")
        return Wearable(tuple(found), 0, routes(found))
    return _promoted(found, line, past[-1].num)


def _these(found: Sequence[Artifact], keys: Collection[str], scope: str) -> tuple[Artifact, ...]:
    chosen = tuple(one for one in found if one.key in keys)
    if missing := set(keys) - {one.key for one in chosen}:
        raise NotFound(
            f"no adapter {min(missing)[:16]} in namespace {scope!r} that is fresh, of this model, "
            "and learnt: consolidate again, and take the keys that it gives"
        )
    return chosen


def _promoted(found: Sequence[Artifact], line: Promotion, num: int) -> Wearable:
    members = [one for one in found if one.key in line.members]
    if line.action != CANARY:
        return Wearable(tuple(members), num, routes(members))
    tried = [one for one in found if one.key in line.candidate]
    either = {*line.members, *line.candidate}
    return Wearable(
        tuple(one for one in found if one.key in either), num, routes(members), routes(tried),
        line.figures["share"],
    )  # fmt: skip
