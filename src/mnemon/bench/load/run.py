"""The run: fill a store, start its server, load it with searches and adds, count what is lost."""

from __future__ import annotations

import json
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnemon.bench import large, provenance, synthetic
from mnemon.bench.load.clients import Answers, ask, tool
from mnemon.bench.load.server import Running, started
from mnemon.cube import Draft
from mnemon.memory import Memory

_QUESTIONS = 2000
_ADDS = 20_000  # distinct ones; clients begin again after these
_WARM_SECONDS = 2.0
_SPACE = "bench/serve"


@dataclass(frozen=True, slots=True)
class Phase:
    """One load: `lost` adds were acknowledged and are not there; None where nothing was added."""

    call: str
    clients: int
    answers: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int
    lost: int | None
    cpu_ms: float | None
    """CPU milliseconds of the server for each answer."""


@dataclass(frozen=True, slots=True)
class Load:
    """One run of `mnemon bench serve`; memory in MiB, of all the server's processes."""

    phases: tuple[Phase, ...]
    cubes: int
    workers: int | None
    client: str
    idle_mib: float | None
    loaded_mib: float | None
    machine: Mapping[str, Any]
    code: Mapping[str, str]
    command: str
    date: str


def run_serve(
    url: str | None = None,
    *,
    api_key: str | None = None,
    cubes: int = 10_000,
    clients: int = 16,
    seconds: float = 10.0,
    workers: int = 1,
    folder: str | Path | None = None,
    out: str | Path | None = None,
    seed: int = 0,
) -> Load:
    """Measure a server; with `out`, a folder, write serve.json there too.

    Args:
        url: of a server that runs already; it is searched as it is, and gets cubes in the
            namespace bench/serve. None starts one over a store of `cubes` turns.
        seconds: of each load.
        folder: where the store is kept for the next run, and used if it is there.

    Raises:
        ServerError: the server did not start, or the client failed.
    """
    began = datetime.now(UTC).isoformat(timespec="seconds")
    with tempfile.TemporaryDirectory(prefix="mnemon-serve-") as place, _server(
        url, Path(folder or place), cubes, workers, seed
    ) as running:  # fmt: skip
        idle = running.mib()
        loaded = _Loaded(running, api_key, clients, seconds, Path(place))
        phases = loaded.phases(seed)
        held = running.mib()
    told = f"mnemon bench serve --cubes {cubes} --clients {clients} --seconds {seconds:g}"
    load = Load(
        phases, cubes if url is None else 0, workers if url is None else None, tool(), idle, held,
        provenance.machine(), provenance.code(), f"{told} --workers {workers} --seed {seed}", began,
    )  # fmt: skip
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(load), indent=1, ensure_ascii=False) + "\n"
        (Path(out) / "serve.json").write_text(text, encoding="utf-8")
    return load


def rows(load: Load) -> list[list[str]]:
    """The header, then a row for each phase."""
    head = ["call", "clients", "a second", "p50 ms", "p95 ms", "p99 ms", "errors", "lost", "CPU ms"]
    return [head, *(_row(one) for one in load.phases)]


def _row(one: Phase) -> list[str]:
    times = (f"{value:.1f}" for value in (one.p50_ms, one.p95_ms, one.p99_ms))
    lost, cpu = ("" if told is None else f"{told:.3g}" for told in (one.lost, one.cpu_ms))
    return [
        one.call, str(one.clients), f"{one.per_second:,.0f}", *times, str(one.errors), lost, cpu,
    ]  # fmt: skip


@contextmanager
def _server(
    url: str | None, folder: Path, cubes: int, workers: int, seed: int
) -> Iterator[Running]:
    if url is not None:
        yield Running(url.rstrip("/"), None)
        return
    store = folder / f"serve-{cubes}.db"
    if cubes:
        large.filled(store, cubes, seed)
        with Memory(store) as memory:
            memory.search("warm")
            memory._searcher.settle()  # its index is made once, before anything is measured
    with started(store, workers) as running:
        yield running


class _Loaded:
    def __init__(
        self, running: Running, key: str | None, clients: int, seconds: float, folder: Path
    ) -> None:
        self._running, self._key, self._folder = running, key, folder
        self._clients, self._seconds = clients, seconds

    def phases(self, seed: int) -> tuple[Phase, ...]:
        asked = [json.dumps({"query": text}) for text in synthetic.questions(_QUESTIONS, seed)]
        drafts = synthetic.turns(_ADDS, seed + 1)
        said = [json.dumps(_body(draft), ensure_ascii=False) for draft in drafts]
        self._ask("search", asked, _WARM_SECONDS)
        searched = self._phase("search", asked)
        self._ask("add", said[:100], _WARM_SECONDS)
        return searched, self._phase("add", said)

    def _ask(self, call: str, bodies: Sequence[str], seconds: float) -> Answers:
        url = f"{self._running.url}/v1/{call}"
        return ask(url, bodies, self._clients, seconds, self._folder, self._key)

    def _phase(self, call: str, bodies: Sequence[str]) -> Phase:
        before = self._running.cpu_seconds()
        seen = self._ask(call, bodies, self._seconds)
        after = self._running.cpu_seconds()
        used = None if before is None or after is None else after - before
        cost = None if used is None or not seen.requests else round(1000 * used / seen.requests, 3)
        lost = len({*seen.added} - self._there()) if call == "add" else None
        p50, p95, p99 = (round(one, 2) for one in (seen.p50, seen.p95, seen.p99))
        rate = round(seen.requests / seen.seconds, 1)
        return Phase(
            call, self._clients, seen.requests, rate, p50, p95, p99, seen.errors, lost, cost
        )

    def _there(self) -> set[str]:
        found: set[str] = set()
        asked = {"namespace": _SPACE, "limit": "1000"}
        while True:
            page = self._get("list", asked)
            found.update(cube["id"] for cube in page["cubes"])
            if page["next"] is None:
                return found
            asked["cursor"] = page["next"]

    def _get(self, call: str, asked: Mapping[str, str]) -> dict[str, Any]:
        url = f"{self._running.url}/v1/{call}?{urllib.parse.urlencode(asked)}"
        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            told: dict[str, Any] = json.load(answer)
            return told


def _body(draft: Draft) -> dict[str, str]:
    return {"content": draft.content, "speaker": draft.speaker or "", "namespace": _SPACE}
