"""Answering: one turn, from the question to the stored answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mnemon.cube import MemCube
from mnemon.errors import MnemonError
from mnemon.models.local.choosing import Choice, told_of
from mnemon.models.local.decoding import Sampling, decoded
from mnemon.models.local.history import History, Turn, history
from mnemon.models.local.pieces import pieces
from mnemon.models.local.prompt import Prompt, kept, laid, told
from mnemon.models.local.reading import Reading
from mnemon.models.local.recalling import Recalled, cubes_of, recalled
from mnemon.models.local.reply import Reply
from mnemon.models.local.storing import stored
from mnemon.models.local.trace import Trace
from mnemon.models.local.verifying import Checked
from mnemon.models.local.wording import Segment, Source, count

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
    """The prompt of a question, and what it was made from.

    Attributes:
        turns: the past ones that stand in the prompt, or would if no adapter were worn.
        choice: the form that answers; with an adapter, neither turns nor recalled text stand there.
        spared: tokens that they would have taken.
    """

    prompt: Prompt
    turns: tuple[Turn, ...]
    recalled: Recalled
    past: History
    choice: Choice
    spared: int = 0

    def sources(self) -> tuple[Source, ...]:
        """The cubes that the answer is made from."""
        adapter = self.choice.adapter
        return self.prompt.cubes() if adapter is None else adapter.sources


def answering(runtime: Runtime, asked: Asked) -> Generator[str, None, Reply]:
    """Pieces of the answer; then the reply."""
    begun = time.perf_counter()
    ready = lay(runtime, asked)
    checked = runtime.checked(ready.prompt, ready.choice.adapter)
    tokens: list[int] = []
    first = time.perf_counter()
    said: list[str] = []
    made = _noted(runtime, ready, checked, asked, tokens)
    for piece in pieces(made, runtime.tokenizer, runtime.ends):
        said.append(piece)
        yield piece
    ended = time.perf_counter()
    text = "".join(said)
    cubes = _store(runtime, asked, ready, text) if asked.kept else []
    trace = _trace(ready, checked, len(tokens), first - begun, ended - begun)
    if len(cubes) == 2 and not checked.fell_back and ready.choice.adapter is None:
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
    prompt = replace(laid(wording, turns, segments), dropped=start)
    return _without(runtime, asked, Laid(prompt, turns, new, past, Choice()), reading)


def _without(runtime: Runtime, asked: Asked, ready: Laid, reading: Reading) -> Laid:
    """The same without its text, if an adapter answers.

    An adapter learnt the question alone, and is asked so, as it was taught: other turns before it
    mislead it.
    """
    if runtime.adapters is None:
        return ready
    beside = [*cubes_of(ready.turns), *ready.recalled.cubes]
    adapter, why = runtime.adapters.choose(reading, asked.question, beside)
    if adapter is None:
        return replace(ready, choice=Choice(None, why))
    bare = Prompt((Segment(adapter.asked),))
    spared = count(ready.prompt.segments) - count(bare.segments)
    return replace(
        ready, prompt=replace(bare, dropped=ready.prompt.dropped),
        recalled=Recalled(), choice=Choice(adapter, why), spared=spared,
    )  # fmt: skip


def _noted(
    runtime: Runtime, ready: Laid, checked: Checked, asked: Asked, tokens: list[int]
) -> Iterator[int]:
    way, adapter = checked.way, ready.choice.adapter
    stops = runtime.stops if adapter is None else runtime.stops | adapter.ends
    made = decoded(checked.prepared.logits, way.feed, asked.sampling, stops, asked.limit)
    for token in made:
        tokens.append(token)
        yield token


def _store(runtime: Runtime, asked: Asked, ready: Laid, text: str) -> list[MemCube]:
    return stored(
        runtime.memory, runtime.session_name, asked.question, text, ready.sources(),
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
    with runtime.wearing.bare():
        done = runtime.memory.compile(wanted, runtime, to=chunks.tiers)
    return {"compiled": done.compiled}


def _trace(ready: Laid, checked: Checked, generated: int, first: float, seconds: float) -> Trace:
    prepared, new, adapter = checked.prepared, ready.recalled, ready.choice.adapter
    form, why = told_of(ready.choice, ready.prompt, prepared, new)
    return Trace(
        prompt=count(ready.prompt.segments), reused=prepared.reused, computed=prepared.computed,
        recomputed=prepared.recomputed, generated=generated, seconds_to_first=first,
        seconds=seconds, turns=len(ready.turns) if adapter is None else 0,
        dropped=ready.prompt.dropped,
        left_out=ready.past.left_out, recalled=new.hits, stale=new.stale, there=new.there,
        sources=ready.sources(), difference=checked.difference, fell_back=checked.fell_back,
        form=form, why=why, adapter=None if adapter is None else adapter.key, spared=ready.spared,
    )  # fmt: skip
