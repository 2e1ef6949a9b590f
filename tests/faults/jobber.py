"""A child process that works a store's queue off.

python jobber.py PATH LEASE [hang]: prints each job it finished. With `hang` it prints `begun` in
the middle of its first job and goes no further.
"""

from __future__ import annotations

import sys
import time

from mnemon import Memory
from mnemon.jobs.worker import Worker


def main(path: str, lease: float, hang: bool) -> None:
    if hang:
        Memory.reflect = stuck  # type: ignore[method-assign, assignment]
    with Memory(path) as memory:
        worker = Worker(memory, memory._store, lease=lease)
        while job := worker.step():
            say(f"{job.id} {job.state} {job.attempts}")


def stuck(memory: Memory, **_: object) -> int:
    say("begun")
    time.sleep(600)
    return 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), "hang" in sys.argv)
