"""What a failed job keeps of its error: a problem document that quotes nobody."""

from __future__ import annotations

import traceback
from typing import Any

from mnemon import errors
from mnemon.errors import MnemonError
from mnemon.wire import problems

_FOR_GOOD = (
    errors.InvalidInput,
    errors.NotFound,
    errors.AccessDenied,
    errors.ImportFailed,
    errors.MissingExtra,
    errors.StoreReadOnly,
    errors.StoreCorrupt,
)
# Their messages show what was given, which may be somebody's words.
_QUOTING = (errors.InvalidText, errors.InvalidTime, errors.InvalidMetadata)


def for_good(error: Exception) -> bool:
    """Whether trying again would fail again."""
    return isinstance(error, _FOR_GOOD)


def document(error: Exception) -> dict[str, Any]:
    """The problem document of an error; of one that is not ours, its name and where it was."""
    if not isinstance(error, MnemonError):
        (frame,) = traceback.extract_tb(error.__traceback__)[-1:]
        where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        told = f"{type(error).__name__} at {where}: this is an error of Mnemon's own"
        return {"type": "about:blank", "title": "Internal error", "status": 500, "detail": told}
    told_of = problems.document(error)
    if isinstance(error, _QUOTING):
        told_of["detail"] = told_of["title"]
    return told_of
