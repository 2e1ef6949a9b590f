"""Namespaces: mandatory scopes, written as paths (`acme/ana/assistant`).

A read in a namespace sees that path and everything below it, never beside or above it.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from mnemon.errors import InvalidNamespace

DEFAULT = "default"
MAX_BYTES = 512
_FORBIDDEN = frozenset("*?%[]\\\"'`<>|;")


def check(path: str) -> str:
    """The normal form (NFC) of a namespace path.

    Raises:
        InvalidNamespace: empty, too long, `.` or `..` or empty segments, wildcards, quotes,
            control characters, or white space at a segment's edge.
    """
    if not isinstance(path, str):
        raise InvalidNamespace(f"a namespace is text like 'acme/ana', not {type(path).__name__}")
    return _checked(path)


@lru_cache(maxsize=10_000)
def _checked(path: str) -> str:
    # Every call checks its namespace, letter by letter, and namespaces return.
    path = unicodedata.normalize("NFC", path)
    problem = _problem(path)
    if problem:
        raise InvalidNamespace(
            f"namespace {path[:80]!r} {problem}: use a plain path such as 'acme/ana/assistant'"
        )
    return path


def _problem(path: str) -> str:
    if any(0xD800 <= ord(char) <= 0xDFFF for char in path):
        return "has a lone surrogate"
    if not path or len(path.encode()) > MAX_BYTES:
        return f"is empty or over {MAX_BYTES} bytes"
    if any(segment in ("", ".", "..") for segment in path.split("/")):
        return "has an empty, '.' or '..' segment"
    if any(segment != segment.strip() for segment in path.split("/")):
        return "has white space at a segment's edge"
    bad = next((c for c in path if c in _FORBIDDEN or unicodedata.category(c)[0] == "C"), None)
    return f"has the character {bad!r}" if bad else ""


def contains(scope: str, path: str) -> bool:
    """Whether `path` is `scope` itself or below it."""
    return path == scope or path.startswith(scope + "/")


def bounds(scope: str) -> tuple[str, str, str]:
    """(scope, low, high): a path p is inside iff p == scope or low <= p < high (code points)."""
    return scope, scope + "/", scope + "0"
