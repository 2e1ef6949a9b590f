"""What the proxy adds to a call: `python scripts/proxy_overhead.py --cubes 10000`.

A scripted upstream that answers at once, and `mnemon serve --upstream` before it, each in a process
of its own. Calls go in turn straight to the upstream and through the proxy; what is printed is the
median of each and of the difference, in milliseconds.
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
from collections.abc import Callable, Iterator
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
def started(*command: str) -> Iterator[str]:
    """The address of a process that serves, once it does."""
    child = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True)
    try:
        assert child.stderr is not None
        found = re.search(r"http://\S+:\d+", child.stderr.readline())
        assert found is not None
        # What it logs is read away: it would wait when the pipe is full.
        threading.Thread(target=child.stderr.read, daemon=True).start()
        yield f"{found[0]}/v1"
    finally:
        child.terminate()
        child.wait()


def filled(path: Path, cubes: int) -> None:
    """A memory with the bundled conversation and as many more cubes as are wanted."""
    with Memory(path) as memory:
        memory.import_(CONVERSATION)
        turns = memory.list(limit=-1)
        more = [f"{turns[n % len(turns)].content} ({n})" for n in range(cubes - len(turns))]
        for at in range(0, len(more), 1000):
            memory.add(more[at : at + 1000], session=f"more {at}")


def measure(http: httpx2.Client, ways: dict[str, tuple[str, dict[str, str]]], calls: int,
            stream: bool) -> dict[str, list[float]]:  # fmt: skip
    """Milliseconds of each call by each way, in turn; of a stream until its first word."""
    took: dict[str, list[float]] = {way: [] for way in ways}
    for n in range(-5, calls):  # the first ones warm up
        said = f"Which of Ines's plans for the flat was number {n}?"
        for way, (url, headers) in ways.items():
            body = {"messages": [{"role": "user", "content": said}], "stream": stream, "model": "x"}
            begun = time.perf_counter()
            with http.stream("POST", f"{url}/chat/completions", json=body, headers=headers) as told:
                pieces = told.iter_raw()
                next(pieces)
                took[way] += [(time.perf_counter() - begun) * 1000] * (n >= 0)
                for _ in pieces:
                    pass
    return took


def report(took: dict[str, list[float]], tell: Callable[[str], None]) -> None:
    """A line for each way."""
    direct = took["direct"]
    for way, times in took.items():
        added = [one - two for one, two in zip(times, direct, strict=True)]
        told = "" if way == "direct" else f"  added {statistics.median(added):6.1f} ms"
        tell(f"  {way:12} {statistics.median(times):6.1f} ms{told}")


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
            started(__file__, "--upstream", "0") as direct,
            started(*serve, direct) as proxy,
        ):
            ways = {"direct": (direct, {})} | {
                f"memory {mode}": (proxy, {"Mnemon-Memory": mode})
                for mode in ("off", "read", "write", "on")
            }
            for stream, what in ((False, "until the answer"), (True, "until the first word")):
                print(f"{given.cubes:,} cubes, {given.calls} calls, {what}")
                report(measure(http, ways, given.calls, stream), print)


if __name__ == "__main__":
    main()
