"""The command line: `mnemon`. A file in `commands/` is a command."""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    """Run the command line and exit with its code (see `mnemon.cli.exits`)."""
    _fill()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a terminal without some letter still shows the rest
    try:
        from mnemon.cli.app import mnemon

        mnemon(prog_name="mnemon")
    except KeyboardInterrupt:  # before click was there to catch it, or while ending
        sys.exit(130)


def _fill() -> None:
    # A closed stream's number would go to the next file that is opened, such as the store.
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        name = ("stdin", "stdout", "stderr")[number]
        setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w"))
    os.close(number)
