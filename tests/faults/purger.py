"""A child process that purges one cube of a store.

python purger.py PATH ID
"""

from __future__ import annotations

import sys

from mnemon import Memory


def main(path: str, id: str) -> None:
    with Memory(path) as memory:
        memory.count()
        sys.stdout.write("going\n")
        sys.stdout.flush()
        memory.forget(id, purge=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
