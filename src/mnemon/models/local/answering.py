"""Answering: one turn, from the question to the stored answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mnemon.cube import MemCube
from mnemon.errors import MnemonError
from mnemon.models.local.decoding import Sampling, decoded
from mnemon.models.local.history import History, Turn, history
from mnemon.models.local.pieces import pieces
from mnemon.models.local.prompt import Prompt, kept, laid, told
from mnemon.models.local.reading import Reading
from mnemon.models.local.recalling import Recalled, recalled
from mnemon.models.local.reply import Reply
from mnemon.models.local.storing import stored
from mnemon.models.local.trace import Trace
from mnemon.models.local.verifying import Checked
from mnemon.models.local.wording import count

if TYPE_CHECKING:
    from mnemon.models.local.runtime import Runtime

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: how it is answered, and whether the turn is stored."""

    question: str
    sampling: Sampling
    limit: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Laid:
    """The prompt of a question, and what it was made from."""

    prompt: Prompt
    turns: tuple[Turn, ...]
    recalled: Recalled
    past: History


def answering(runtime: Runtime, asked: Asked) -> Generator[str, None, Reply]:
    """Pieces of the answer; then the reply."""
    begun = time.perf_counter()
    ready = lay(runtime, asked)
    checked = runtime.checked(ready.prompt)
    tokens: list[int] = []
    first = time.perf_counter()
    said: list[str] = []
    for piece in pieces(_noted(runtime, checked, asked, tokens), runtime.tokenizer, runtime.ends):
        said.append(piece)
        yield piece
    ended = time.perf_counter()
    text = "".join(said)
    cubes = _store(runtime, asked, ready, text) if asked.kept else []
    trace = _trace(ready, checked, len(tokens), first - begun, ended - begun)
    if len(cubes) == 2 and not checked.fell_back:
        trace = replace(trace, notes=_keep(runtime, ready, cubes))
    ids = [cube.id for cube in cubes]
    question, answer = (*ids, None, None)[:2]
    return Reply(text, question, answer, ready.recalled.hits, trace)


def lay(runtime: Runtime, asked: Asked) -> Laid:
    """Read the session, recall, and put the prompt together."""
    reading = Reading(runtime.memory)
    past = history(reading, runtime.session_name)
    wording, budget = runtime.wording, runtime.budget
    bare = count(wording.asked((), asked.question)) + asked.limit
    start = -1
    while (found := kept(wording, past.turns, bare, runtime.context)) > start:
        # What left with the oldest turns may be recalled again, and that may need their room.
        start = found
        turns = past.turns[start:]
        most = runtime.context - bare - count(wording.head())
        new = recalled(reading, wording, asked.question, turns, budget, most)
        segments = wording.asked(new.cubes, asked.question)
        bare = max(bare, count(segments) + asked.limit)
    return Laid(replace(laid(wording, turns, segments), dropped=start), turns, new, past)


def _noted(runtime: Runtime, checked: Checked, asked: Asked, tokens: list[int]) -> Iterator[int]:
    way = checked.way
    made = decoded(checked.prepared.logits, way.feed, asked.sampling, runtime.stops, asked.limit)
    for token in made:
        tokens.append(token)
        yield token


def _store(runtime: Runtime, asked: Asked, ready: Laid, text: str) -> list[MemCube]:
    return stored(
        runtime.memory, runtime.session_name, asked.question, text, ready.prompt.cubes(),
        ready.turns, ready.recalled.cubes, runtime.speaker,
    )  # fmt: skip


def _keep(runtime: Runtime, ready: Laid, cubes: list[MemCube]) -> dict[str, int]:
    """Keep what was computed; the turn is stored, so failing to is told and no more."""
    question, answer = cubes
    turn = Turn(question, answer, ready.recalled.cubes)
    prompt = laid(runtime.wording, ready.turns, told(runtime.wording, turn))
    try:
        return {"published": runtime.way.publish(prompt), **_compile(runtime, ready)}
    except (MnemonError, OSError) as error:
        _log.warning("keys and values of a turn were not kept: %s", error)
        return {"failed": 1}


def _compile(runtime: Runtime, ready: Laid) -> dict[str, int]:
    """Compile the cubes that were put into prompts often."""
    chunks = runtime.shared.chunks
    wanted = [] if chunks is None else chunks.often(ready.recalled.cubes)
    if chunks is None or not wanted:
        return {}
    done = runtime.memory.compile(wanted, runtime, to=chunks.tiers)
    return {"compiled": done.compiled}


def _trace(ready: Laid, checked: Checked, generated: int, first: float, seconds: float) -> Trace:
    prepared, new = checked.prepared, ready.recalled
    return Trace(
        prompt=count(ready.prompt.segments), reused=prepared.reused, computed=prepared.computed,
        recomputed=prepared.recomputed, generated=generated, seconds_to_first=first,
        seconds=seconds, turns=len(ready.turns), dropped=ready.prompt.dropped,
        left_out=ready.past.left_out, recalled=new.hits, stale=new.stale, there=new.there,
        sources=ready.prompt.cubes(), difference=checked.difference, fell_back=checked.fell_back,
    )  # fmt: skip
