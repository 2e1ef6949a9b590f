"""A child process that holds a snapshot of a store until its standard input ends."""

from __future__ import annotations

import sqlite3
import sys


def main(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM versions").fetchone()
    sys.stdout.write("holding\n")
    sys.stdout.flush()
    sys.stdin.read()
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
