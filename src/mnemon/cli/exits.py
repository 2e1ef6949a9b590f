"""Exit codes, and which error means which.

Data goes to stdout, messages to stderr; no error that a user can cause shows a traceback.
"""

from __future__ import annotations

import errno
import os
import sys

from mnemon.errors import InvalidInput, MissingExtra, MnemonError, StoreError

OK = 0
NOTHING = 1
USAGE = 2
STORE = 3
EXTRA = 4
INTERRUPTED = 130
PIPE = 141

MEANINGS = {
    OK: "it worked",
    NOTHING: "nothing was found, or problems were found, or the answer is no",
    USAGE: "wrong usage or bad input; nothing was written",
    STORE: "the store cannot do its work: busy, full, read-only, damaged or too new",
    EXTRA: "an optional package is missing; the message has the pip line",
    INTERRUPTED: "interrupted with Ctrl-C",
    PIPE: "whoever read the output stopped reading",
}

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


def code(error: MnemonError | OSError) -> int:
    """The exit code for an error."""
    if isinstance(error, InvalidInput):
        return USAGE
    if isinstance(error, MissingExtra):
        return EXTRA
    if isinstance(error, StoreError):
        return STORE
    if isinstance(error, MnemonError):
        return NOTHING
    return STORE if error.errno in _DISK else USAGE


def flushed(code: int) -> int:
    """`code`, or PIPE when the last of the output finds no reader."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        hush()
        return PIPE
    return code


def hush() -> None:
    """Let what is still buffered go nowhere, so that Python does not complain while it ends."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # a stream without a file has nobody to complain to
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
