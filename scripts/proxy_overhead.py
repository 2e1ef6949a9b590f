"""What the proxy adds to a call: `python scripts/proxy_overhead.py --cubes 10000`.

A scripted upstream that answers at once, and `mnemon serve --upstream` before it, each in a process
of its own. Calls go in turn straight to the upstream and through the proxy. Printed are medians in
milliseconds: of each way, of the difference, and of the processor time that the proxy's process
took, which others on the same machine disturb less (Linux).
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from mnemon import Memory
from mnemon.sample import CONVERSATION

ANSWER = {
    "id": "c", "object": "chat.completion", "model": "scripted",
    "choices": [{"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "Of course."}}],
}  # fmt: skip
DELTA = {"id": "c", "choices": [{"index": 0, "delta": {"content": "word "}}]}
END = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


async def upstream(scope, receive, send):
    """Answers at once, whole or as a stream of a hundred words."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    streams = json.loads(body).get("stream")
    kind = b"text/event-stream" if streams else b"application/json"
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}
    await send(head)
    told = [json.dumps(one) for one in [DELTA] * 100 + [END]] + ["[DONE]"]
    for one in told if streams else ():
        piece = f"data: {one}\n\n".encode()
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    end = b"" if streams else json.dumps(ANSWER).encode()
    await send({"type": "http.response.body", "body": end})


def serve_upstream(port: int) -> None:
    """Run it."""
    import uvicorn

    with socket.create_server(("127.0.0.1", port)) as listening:
        port = listening.getsockname()[1]
        print(f"at http://127.0.0.1:{port}", file=sys.stderr, flush=True)
        config = uvicorn.Config(upstream, log_config=None, lifespan="off", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def started(*command: str) -> Iterator[tuple[str, int]]:
    """(address, id) of a process that serves, once it does."""
    child = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True)
    try:
        assert child.stderr is not None
        found = re.search(r"http://\S+:\d+", child.stderr.readline())
        assert found is not None
        # What it logs is read away: it would wait when the pipe is full.
        threading.Thread(target=child.stderr.read, daemon=True).start()
        yield f"{found[0]}/v1", child.pid
    finally:
        child.terminate()
        child.wait()


def cpu_ms(process: int) -> float:
    """Processor time that a process has taken (what clock_getcpuclockid(3) gives)."""
    return time.clock_gettime_ns((~process << 3) | 2) / 1e6


def filled(path: Path, cubes: int) -> None:
    """A memory with the bundled conversation and as many more cubes as are wanted."""
    with Memory(path) as memory:
        memory.import_(CONVERSATION)
        turns = memory.list(limit=-1)
        more = [f"{turns[n % len(turns)].content} ({n})" for n in range(cubes - len(turns))]
        for at in range(0, len(more), 1000):
            memory.add(more[at : at + 1000], session=f"more {at}")


Taken = dict[str, list[tuple[float, float]]]
"""For each way, of each call: (milliseconds, of which of the proxy's processor time)."""


def measure(http: httpx2.Client, ways: dict[str, tuple[str, str]], proxy: int, calls: int,
            stream: bool) -> Taken:  # fmt: skip
    """Call by each way in turn; of a stream the time until its first word."""
    took: Taken = {way: [] for way in ways}
    for n in range(-5, calls):  # the first ones warm up
        for place, (way, (url, mode)) in enumerate(ways.items()):
            # Never the same words twice, which would be a retry.
            said = f"Which of Ines's plans for the flat was number {10 * n + place + 5 * stream}?"
            body = {"messages": [{"role": "user", "content": said}], "stream": stream, "model": "x"}
            begun, busy = time.perf_counter(), cpu_ms(proxy)
            headers = {"Mnemon-Memory": mode}
            with http.stream("POST", f"{url}/chat/completions", json=body, headers=headers) as told:
                pieces = told.iter_raw()
                next(pieces)
                first = (time.perf_counter() - begun) * 1000
                for _ in pieces:
                    pass
            took[way] += [(first, cpu_ms(proxy) - busy)] * (n >= 0)
    return took


def report(took: Taken) -> None:
    """A line for each way."""
    direct = [one for one, _ in took.pop("direct")]
    print(f"  direct       {statistics.median(direct):6.1f} ms")
    for way, times in took.items():
        added = statistics.median(one - two for (one, _), two in zip(times, direct, strict=True))
        whole = statistics.median(one for one, _ in times)
        busy = statistics.median(one for _, one in times)
        print(f"  {way:12} {whole:6.1f} ms  added {added:6.1f} ms  processor {busy:5.1f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cubes", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--upstream", type=int, help="only run the scripted upstream, at this port")
    given = parser.parse_args()
    if given.upstream is not None:
        serve_upstream(given.upstream)
        return
    with tempfile.TemporaryDirectory() as folder, httpx2.Client(verify=False, timeout=60) as http:
        path = Path(folder) / "measured.db"
        filled(path, given.cubes)
        serve = ["-m", "mnemon", "--store", str(path), "serve", "--port", "0", "--upstream"]
        with (
            started(__file__, "--upstream", "0") as (direct, _),
            started(*serve, direct) as (proxy, process),
        ):
            modes = ("off", "read", "write", "on")
            ways = {"direct": (direct, "")} | {f"memory {mode}": (proxy, mode) for mode in modes}
            for stream, what in ((False, "until the answer"), (True, "until the first word")):
                print(f"{given.cubes:,} cubes, {given.calls} calls, {what}")
                report(measure(http, ways, process, given.calls, stream))


if __name__ == "__main__":
    main()
