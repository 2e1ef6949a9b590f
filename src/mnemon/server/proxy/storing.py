"""Storing a chat: what the user said and what was answered, once.

A turn's key is its position: a digest of it and of all that was said before it. The same request
sent again has the same positions, so a retry adds nothing, and an answer that was made anew becomes
the next version of the one before. A first turn has nothing before it that would tell one
conversation from another; the same words are the same turn for as long as somebody may still ask
for the answer again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mnemon import standing
from mnemon.cube import Draft, MemCube
from mnemon.errors import VersionConflict
from mnemon.memory import Memory
from mnemon.server.proxy.turns import Answer, Conversation, Position, Turn, digest, pieces

PRODUCER = "proxy"
AGAIN = timedelta(minutes=30)
"""How long a first turn that is sent again is a retry."""


@dataclass(frozen=True, slots=True)
class Episode:
    """What is to be stored of one exchange, and where; `at` is when it was asked."""

    memory: Memory
    scope: str
    conversation: Conversation
    session: str
    speaker: str
    at: datetime


def store(episode: Episode, answer: Answer) -> list[MemCube]:
    """Both sides as cubes, all of them or none; what was there already is given as it is."""
    drafts: list[Draft] = []
    for position, turn in episode.conversation.fresh():
        drafts += _drafts(
            episode, position, turn.text, speaker=turn.speaker or episode.speaker,
            at=episode.at, metadata=_told(turn),
        )  # fmt: skip
    drafts += _drafts(
        episode, episode.conversation.end(), answer.text, speaker="assistant",
        source=answer.id, metadata=_answered(answer),
    )  # fmt: skip
    cubes = standing.add(episode.memory, drafts, episode.scope)
    return [_now(episode, cube, draft) for cube, draft in zip(cubes, drafts, strict=True)]


def _drafts(episode: Episode, position: Position, text: str, **more: Any) -> list[Draft]:
    """The drafts of a turn: one, or several of a very long text."""
    if not text:
        return []
    key = _key(episode, position)
    return [
        Draft(
            piece, session=episode.session, key=f"{key}/{i}" if i else key, producer=PRODUCER,
            **more,
        )
        for i, piece in enumerate(pieces(text))
    ]  # fmt: skip


def _key(episode: Episode, position: Position) -> str:
    """The idempotency key of a position in a session."""
    key = f"chat:{digest(episode.session, position.digest)[:40]}"
    if position.certain:
        return key
    since = episode.at - AGAIN
    recent = episode.memory.list(
        namespace=episode.scope, session=episode.session, since=since, limit=-1
    )
    known = [cube.key for cube in recent if cube.key and cube.key.startswith(f"{key}@")]
    # Two at once find none, and take the same one: that of the half hour.
    number = int(episode.at.timestamp() // AGAIN.total_seconds())
    return known[-1].partition("/")[0] if known else f"{key}@{number}"


def _now(episode: Episode, cube: MemCube, draft: Draft) -> MemCube:
    """The cube with the newest answer; one that somebody corrected or forgot stays as it is."""
    ours = cube.provenance.producer == PRODUCER and cube.retired_at is None
    if cube.content == draft.content or not ours:
        return cube
    try:
        return episode.memory.update(
            cube.id, draft.content, version=cube.version, namespace=episode.scope,
            metadata=draft.metadata, source=draft.source, producer=PRODUCER,
        )  # fmt: skip
    except VersionConflict:
        return cube  # another answer to the same came at the same moment: one of the two stands


def _told(turn: Turn) -> dict[str, Any]:
    return {"attached": list(turn.attached)} if turn.attached else {}


def _answered(answer: Answer) -> dict[str, Any]:
    told = {"response": answer.id, "model": answer.model, "tools": list(answer.tools)}
    return {name: value for name, value in told.items() if value}
