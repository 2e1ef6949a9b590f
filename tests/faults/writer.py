"""A child process that adds cubes and prints each id once it is acknowledged.

python writer.py PATH NAME COUNT BATCH: batches of up to BATCH cubes; 1 means single adds.
"""

from __future__ import annotations

import sys

from mnemon import Memory


def main(path: str, name: str, count: int, most: int) -> None:
    with Memory(path) as memory:
        done, size = 0, 1
        while done < count:
            chunk = [f"{name} wrote number {n}" for n in range(done, min(count, done + size))]
            for cube in memory.add(chunk) if most > 1 else [memory.add(chunk[0])]:
                sys.stdout.write(cube.id + "\n")
            sys.stdout.flush()
            done += len(chunk)
            size = size % most + 1


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
