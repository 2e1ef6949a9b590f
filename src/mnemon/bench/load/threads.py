"""The client for machines without `wrk`: a program of its own, with a thread a connection.

    python threads.py URL BODIES CLIENTS SECONDS AUTHORIZATION

Prints one JSON object. It needs about as much CPU as the server: tell them apart by CPU seconds.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def main(url: str, file: str, clients: str, seconds: str, authorization: str) -> dict[str, Any]:
    """Ask until the time is over, each connection once at least; what was seen."""
    bodies, count = Path(file).read_bytes().splitlines(), int(clients)
    told: dict[str, Any] = {"milliseconds": [], "errors": 0, "added": []}
    headers = {"Content-Type": "application/json"}
    if authorization:
        headers["Authorization"] = authorization
    began = time.perf_counter()
    until = began + float(seconds)
    threads = [
        threading.Thread(
            target=_ask, args=(url, [*islice(bodies, start, None, count)], headers, until, told)
        )
        for start in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {**told, "seconds": time.perf_counter() - began}


def _ask(
    url: str, bodies: list[bytes], headers: dict[str, str], until: float, told: dict[str, Any]
) -> None:
    place = urlsplit(url)
    connection, at = HTTPConnection(place.netloc, timeout=30), 0
    while (started := time.perf_counter()) < until or at == 0:
        body, at = bodies[at % len(bodies)], at + 1
        try:
            connection.request("POST", place.path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, HTTPException):
            told["errors"] += 1
            connection.close()
            continue
        if answer.status != 200:
            told["errors"] += 1
            continue
        told["milliseconds"].append((time.perf_counter() - started) * 1000)
        if place.path.endswith("/add"):
            told["added"].append(json.loads(said)["id"])


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
