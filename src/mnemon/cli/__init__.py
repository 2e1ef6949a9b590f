"""The command line: `mnemon`. A file in `commands/` is a command."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command line and exit with its code (see `mnemon.cli.exits`)."""
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
