"""Measuring in fresh processes: what a command or a program pays before its first answer."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mnemon.bench.provenance import PACKAGE

_IMPORT = """
import time; started = time.perf_counter()
import mnemon
print((time.perf_counter() - started) * 1000)
"""
_FIRST = """
import time; started = time.perf_counter()
from mnemon import Memory
with Memory(":memory:") as memory:
    memory.add("Ana moved to Lisbon in March.", speaker="Ana")
    assert memory.search("Where does Ana live?")
    print(time.perf_counter() - started)
"""
_RESIDENT = """
import json, sys
from mnemon import Memory
with Memory(sys.argv[1]) as memory:
    for question in json.loads(sys.stdin.read()):
        memory.search(question)
    try:
        status = open("/proc/self/status").read()
        kib = int(status.partition("VmRSS:")[2].split()[0])
    except OSError:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        kib = peak / 1024 if sys.platform == "darwin" else peak
print(kib / 1024)
"""
_LATENCIES = """
import json, sys, time
from mnemon import Memory
given, told = json.loads(sys.stdin.read()), {}
with Memory(sys.argv[1]) as memory:
    for name, call, asked, rests in (
        ("first", memory.search, given["asked"], 0),
        ("later", memory.search, given["later"], given["rests"]),
        ("again", memory.search, given["asked"], 0),
        ("recall", memory.recall, given["asked"], 0),
    ):
        told[name] = []
        for number, question in enumerate(asked):
            started = time.perf_counter()
            call(question)
            told[name].append((time.perf_counter() - started) * 1000)
            if number < rests:
                time.sleep(0.7)
print(json.dumps(told))
"""


def import_ms() -> float:
    """`import mnemon`, in milliseconds, the interpreter's own start not counted."""
    return float(_python(_IMPORT))


def first_answer_s() -> float:
    """From before `import mnemon` to the first answered search of a memory in RAM, in seconds."""
    return float(_python(_FIRST))


def resident_mib(store: Path, asked: str) -> float:
    """Resident memory after opening a store and asking `asked` (a JSON list), in MiB."""
    return float(_python(_RESIDENT, str(store), stdin=asked))


def latencies_ms(
    store: Path, asked: Sequence[str], later: Sequence[str], rests: int
) -> dict[str, list[float]]:
    """Milliseconds of each question in one fresh process: `first` searched, others searched
    `later`, with a rest of 0.7 s behind each of the first `rests` of them, the first ones searched
    `again`, then by `recall`."""
    given = {"asked": asked, "later": later, "rests": rests}
    told: dict[str, list[float]] = json.loads(
        _python(_LATENCIES, str(store), stdin=json.dumps(given))
    )
    return told


def shell_ms(store: Path, question: str) -> float | None:
    """`mnemon search` in a cold process, whole, in milliseconds; None when there is no command."""
    if importlib.util.find_spec("mnemon.__main__") is None:
        return None
    command = [sys.executable, "-m", "mnemon", "search", question, "--store", str(store)]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, text=True, cwd=PACKAGE.parent)
    return (time.perf_counter() - started) * 1000


def _python(code: str, *given: str, stdin: str = "") -> str:
    """What a fresh interpreter prints; it imports the very package that runs here."""
    done = subprocess.run(
        [sys.executable, "-c", code, *given],
        check=True,
        capture_output=True,
        text=True,
        input=stdin,
        cwd=PACKAGE.parent,
    )
    return done.stdout
