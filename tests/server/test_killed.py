"""A server that is killed under load, again and again, over one store.

Twenty times: MNEMON_KILLS=20 python -m pytest -n 0 tests/server/test_killed.py
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time

import httpx2

from mnemon import Memory

KILLS = int(os.environ.get("MNEMON_KILLS", "2"))


def test_every_add_that_was_acknowledged_is_there(process, path):
    acknowledged, draw = set(), random.Random(0)
    for kill in range(KILLS):
        child, url = process("--workers", str(1 + kill % 2))
        begun = len(acknowledged)
        threads = [threading.Thread(target=load, args=(url, n, acknowledged)) for n in range(16)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 120
        while len(acknowledged) < begun + 100:
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(draw.random() * 0.3)
        killed(child)
        for thread in threads:
            thread.join()
    with Memory(path) as memory:
        cubes = memory.list(limit=-1)
        assert acknowledged <= {cube.id for cube in cubes}
        assert memory.fsck() == []
        assert memory.search("number 7")
    batches = [cube.session for cube in cubes if cube.session]
    assert all(batches.count(one) == 3 for one in set(batches))  # all or none
    assert len(acknowledged) >= 100 * KILLS


def load(url, name, acknowledged):
    with httpx2.Client(base_url=f"{url}/v1", timeout=30, verify=False) as client:
        for n in range(100_000):
            content = f"{name} wrote number {n}"
            body = {"content": content}
            if n % 10 == 9:
                body = {"content": [content, "and", "more"], "session": f"{url}/{name}/{n}"}
            try:
                answer = client.post("/add", json=body)
            except httpx2.HTTPError:
                return  # it was killed
            if answer.status_code == 200:
                told = answer.json()
                acknowledged.update(c["id"] for c in (told if n % 10 == 9 else [told]))


def killed(child):
    workers = children(child.pid)
    child.send_signal(signal.SIGKILL)  # first, or it would replace them
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    child.wait()


def children(pid):
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [int(one) for one in done.stdout.split()]
