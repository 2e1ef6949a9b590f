"""Measuring at scale: approximate search against exact, many namespaces, ten million vectors."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon import intake
from mnemon.bench import fresh, synthetic
from mnemon.bench.timing import Value, spread, timed
from mnemon.instant import now_micros
from mnemon.memory import Memory

if TYPE_CHECKING:
    import numpy as np

    from mnemon.cube import Draft
    from mnemon.store.index.codes import Codes

_BATCH = 20_000
_K = 10
_SPACES_ASKED = 300
_USERS_AT_ONCE = 100
_REAL = 20_000  # embedded sentences that vectors are recombined from
_BLOCK = 50_000
_ASKED = 200
_RESIDENT = 50


def filled(path: Path, size: int, seed: int) -> Value:
    """A store of `size` turns, added in batches: cubes a second. One that is there is kept."""
    from itertools import islice

    said, seconds = synthetic.stream(size, seed), 0.0
    with Memory(path) as memory:
        if memory.count() == size:
            return Value("add in batches, with embeddings", 0.0, "cubes/s (was there)", size, 0)
        while batch := list(islice(said, _BATCH)):
            seconds += timed(memory.add, batch)
    return Value("add in batches, with embeddings", round(size / seconds), "cubes/s", size, 1)


def against_exact(path: Path, size: int, asked: Sequence[str]) -> list[Value]:
    """The share of the ten best of everything that a search finds, and of the ten that are best
    before the learned ranker looks at them; higher is better."""
    name = f"recall@{_K} of exact search"
    return [
        _kept(path, size, asked, name, "default"),
        _kept(path, size, asked, f"{name}, before the ranker", "fused"),
    ]


def _kept(path: Path, size: int, asked: Sequence[str], name: str, program: str) -> Value:
    with Memory(path, program=program) as memory:
        found = [_ids(memory, question) for question in asked]
    with everything(), Memory(path, program=program, read_only=True) as memory:
        best = [_ids(memory, question) for question in asked]
    kept = [len(a & b) / len(b) for a, b in zip(found, best, strict=True) if b]
    return Value(name, round(sum(kept) / len(kept), 4), "share", size, len(kept))


@contextmanager
def everything() -> Iterator[None]:
    """Scopes are searched whole, whatever their size."""
    from mnemon.store import scope

    limit, scope.LIMIT = scope.LIMIT, 2**62
    try:
        yield
    finally:
        scope.LIMIT = limit


def _ids(memory: Memory, question: str) -> set[str]:
    return {hit.cube.id for hit in memory.search(question, _K)}


def footprint(path: Path, size: int, asked: Sequence[str]) -> list[Value]:
    """Time to a first search without and with an index, bytes on disk and in memory."""
    from mnemon.store import scope

    shutil.rmtree(f"{path}-index", ignore_errors=True)
    with Memory(path) as memory:
        found = [Value("first search ever", _seconds(memory.search, asked[0]), "s", size, 1)]
        if size > scope.LIMIT:  # nothing may be read ahead behind the index: that is from now on
            found += _meanwhile(memory, size, asked)
    with Memory(path) as memory:
        took = _seconds(memory.search, asked[0])
        found.append(Value("first search after opening", took, "s", size, 1))
    files = [path, *Path(f"{path}-index").rglob("*")]
    disk = sum(file.stat().st_size for file in files if file.is_file())
    found.append(Value("on disk, index included", round(disk / size), "bytes a cube", size, 1))
    small = path.parent / "one.db"
    with Memory(small) as memory:
        if not memory.count():
            memory.add("one cube")
    questions = json.dumps(asked[:_RESIDENT])
    more = fresh.resident_mib(path, questions) - fresh.resident_mib(small, questions)
    held = round(max(0.0, more) * 2**20 / size)
    return [*found, Value(f"resident after {_RESIDENT} searches", held, "bytes a cube", size, 1)]


def _meanwhile(memory: Memory, size: int, asked: Sequence[str]) -> list[Value]:
    """Searches while an index is made in the background, and how long that takes."""
    times: list[float] = []
    waiting = threading.Thread(target=memory._searcher.settle)
    began = time.perf_counter()
    waiting.start()
    while not times or waiting.is_alive():
        times.append(timed(memory.search, asked[len(times) % len(asked)]) * 1000)
    took = round(time.perf_counter() - began, 2)
    return [
        *spread("search while its index is made", times, size),
        Value("index made in the background", took, "s", size, 1),
    ]


def _seconds(call: Callable[[str], object], given: str) -> float:
    return round(timed(call, given), 3)


def many_namespaces(folder: Path, count: int, each: int = 20, seed: int = 0) -> list[Value]:
    """Searches of one namespace among `count` of `each` cubes, and of one that is alone."""
    found = []
    for spaces in (1, count):
        with Memory(folder / f"{spaces}x{each}.db") as memory:
            if not memory.namespaces():
                found += _peopled(memory, spaces, each, seed)
            draw = random.Random(seed)
            chosen = [f"user/{draw.randrange(spaces)}" for _ in range(_SPACES_ASKED)]
            asked = synthetic.questions(_SPACES_ASKED, seed)
            memory.search(asked[0], namespace=chosen[0])
            for name in ("first", "again"):
                pairs = zip(asked, chosen, strict=True)
                times = [
                    timed(lambda p: memory.search(p[0], namespace=p[1]), p) * 1000 for p in pairs
                ]
                told = f"search one of {spaces:,} namespaces of {each}, {name}"
                found += spread(told, times, spaces * each)
    return found


def _peopled(memory: Memory, spaces: int, each: int, seed: int) -> list[Value]:
    """`each` cubes for every one of so many users, a hundred of whom add at once."""
    seconds = 0.0
    for first in range(0, spaces, _USERS_AT_ONCE):
        users = [f"user/{space}" for space in range(first, min(spaces, first + _USERS_AT_ONCE))]
        said = synthetic.stream(len(users) * each, seed + first)  # which remembers what it said
        asked = [(user, [next(said) for _ in range(each)]) for user in users]
        seconds += timed(lambda asked: _added(memory, asked), asked)
    name = f"add to {spaces:,} namespaces, {each} each, a hundred at once"
    return [Value(name, round(spaces * each / seconds), "cubes/s", spaces * each, 1)]


def _added(memory: Memory, asked: Sequence[tuple[str, Sequence[Draft]]]) -> None:
    now = now_micros()
    told = [
        (user, [intake.prepare(turn, now + i) for i, turn in enumerate(turns)], memory.actor)
        for user, turns in asked
    ]
    for done in memory._recorder.add_each(told):
        if isinstance(done, Exception):
            raise done


def vectors_only(count: int, seed: int = 0) -> list[Value]:
    """The approximate index alone: `count` vectors recombined from real ones, no store."""
    import numpy as np

    from mnemon.models.embed.static import StaticEmbedder
    from mnemon.store.index.lists import Lists, Wanted

    embedder = StaticEmbedder()
    real = embedder.embed([turn.content for turn in synthetic.stream(_REAL, seed)])
    codes = _recombined(real, count, seed)
    began = time.perf_counter()
    lists = Lists.build(codes)
    took = round(time.perf_counter() - began, 1)
    found = [Value("build the index of vectors", took, "s", count, 1)]
    wanted = Wanted(np.ones(count, dtype=np.uint8), (1000,))
    asked = [embedder.embed_query(text) for text in synthetic.questions(_ASKED, seed)]
    answers: list[np.ndarray] = []
    times = [
        timed(lambda v: answers.extend(lists.nearest(codes, v, wanted)), vector) * 1000
        for vector in asked
    ]
    found += spread("nearest 1,000 of vectors only", times[_ASKED // 10 :], count)
    some = range(0, _ASKED, 4)
    best = _exact(codes, np.stack([asked[i] for i in some]))
    kept = [len(set(a) & set(answers[i].tolist())) / _K for a, i in zip(best, some, strict=True)]
    share = round(sum(kept) / len(kept), 4)
    held = round((codes.nbytes + lists.nbytes) / count)
    return [
        *found,
        Value(f"recall@{_K} of vectors only", share, "share", count, len(kept)),
        Value("index and vectors", held, "bytes a vector", count, 1),
    ]


def _recombined(real: np.ndarray, count: int, seed: int) -> Codes:
    """Means of two or three real vectors, made unit, as int8."""
    import numpy as np

    from mnemon.store.index.codes import Codes

    draw = np.random.default_rng(seed)
    codes = np.empty((count, real.shape[1]), dtype=np.int8)
    scales = np.empty(count, dtype=np.float32)
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        mixed = real[draw.integers(0, len(real), size)]
        for _ in range(2):
            weight = draw.random((size, 1), dtype=np.float32)
            mixed += weight * real[draw.integers(0, len(real), size)]
        mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
        scale = np.abs(mixed).max(axis=1) / 127
        scales[start : start + size] = scale
        codes[start : start + size] = np.rint(mixed / scale[:, None])
    return Codes(codes, scales)


def _exact(codes: Codes, asked: np.ndarray) -> list[list[int]]:
    """Indices of the ten nearest of all rows for vectors float32 [Q, D]."""
    import numpy as np

    scores: np.ndarray = np.zeros((len(asked), 0), np.float32)
    ids: np.ndarray = np.zeros((len(asked), 0), np.int64)
    for start, block in codes.blocks(0):
        fresh = asked @ block.T
        scores = np.concatenate([scores, fresh], axis=1)
        here = np.arange(start, start + len(block))
        ids = np.concatenate([ids, np.broadcast_to(here, fresh.shape)], axis=1)
        best = np.argpartition(-scores, min(_K, scores.shape[1]) - 1, axis=1)[:, :_K]
        scores, ids = (np.take_along_axis(one, best, axis=1) for one in (scores, ids))
    return [sorted(row) for row in ids.tolist()]
