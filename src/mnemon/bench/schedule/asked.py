"""Traces of real questions: the cubes that `memory.search` finds for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mnemon.bench.case import Case
from mnemon.bench.inputs import task_of
from mnemon.bench.tasks import sample
from mnemon.cube import MemCube
from mnemon.memory import Memory
from mnemon.schedule.trace import Ints, Trace

_HITS = 10
_TOKENS_A_WORD = 1.3
_AROUND = 8
"""Tokens that a prompt adds to each cube: who said it and when."""
_BURST = 5


def asked(
    data: Path | None, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> list[Trace]:
    """One conversation after the other; and, of several, their users' questions interleaved.

    Args:
        data: of a task (`locomo10.json`); None: the bundled sample.
        progress: called with (questions asked, in all).

    Raises:
        ImportFailed: there is no data of a task.
    """
    path = sample.BUNDLED if data is None else data
    task = task_of(path)
    name = type(task).__module__.rpartition(".")[2]
    cubes, streams = _streams(task.read(path), progress)
    facts = {"task": name, "data": path.name, "search": _HITS}
    found = [_trace(f"{name}-serial", cubes, [one for each in streams for one in each], facts)]
    if len(streams) > 1:
        mixed = _interleaved(streams, np.random.default_rng(seed))
        found.append(_trace(f"{name}-users", cubes, mixed, facts | {"burst": _BURST, "seed": seed}))
    return found


def _streams(
    cases: Sequence[Case], progress: Callable[[int, int], None] | None
) -> tuple[list[MemCube], list[list[Ints]]]:
    cubes: list[MemCube] = []
    streams: list[list[Ints]] = []
    total, done = sum(len(case.questions) for case in cases), 0
    with Memory(":memory:") as memory:
        for case in cases:
            cubes += memory.add([turn.draft for turn in case.turns], namespace=case.id)
            numbers = {cube.id: number for number, cube in enumerate(cubes)}
            streams.append([])
            for question in case.questions:
                hits = memory.search(question.text, _HITS, namespace=case.id)
                streams[-1].append(np.array([numbers[hit.cube.id] for hit in hits], np.int64))
                done += 1
                if progress is not None:
                    progress(done, total)
    return cubes, streams


def _interleaved(streams: Sequence[Sequence[Ints]], random: np.random.Generator) -> list[Ints]:
    """Each user asks a few questions in a row, then another does."""
    mixed: list[Ints] = []
    left = [list(reversed(stream)) for stream in streams]
    while any(left):
        weights = np.array([len(stream) for stream in left], float)
        stream = left[random.choice(len(left), p=weights / weights.sum())]
        for _ in range(min(len(stream), int(random.geometric(1 / _BURST)))):
            mixed.append(stream.pop())
    return mixed


def _trace(
    name: str, cubes: Sequence[MemCube], questions: Sequence[Ints], facts: dict[str, object]
) -> Trace:
    words = np.array([len(cube.content.split()) for cube in cubes])
    sessions = [(cube.namespace, cube.session or cube.id) for cube in cubes]
    return Trace(
        name,
        tokens=np.ceil(words * _TOKENS_A_WORD).astype(np.int64) + _AROUND,
        namespaces=_numbered([cube.namespace for cube in cubes]),
        groups=_numbered(sessions),
        questions=questions,
        facts=facts,
    )


def _numbered(values: Sequence[object]) -> Ints:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
