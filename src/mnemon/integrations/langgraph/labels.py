"""Labels: LangGraph's namespace tuples ↔ Mnemon's paths, one segment a label, without loss.

What a path may not hold (slashes, wildcards, quotes, white space, control characters, …) is written
as `=` and two hexadecimal digits for each of its UTF-8 bytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from langgraph.store.base import ListNamespacesOp, MatchCondition

from mnemon import namespace as paths
from mnemon.errors import InvalidInput

_PLAIN = frozenset("-_@+,:~.")
_ESCAPED = re.compile("(?:=[0-9A-F]{2})+")


def quoted(label: str) -> str:
    """A label or key as a segment of a path: no white space, in normal form, never empty."""
    written = _escaped(label, str.isalnum)
    # Characters that a normal form would join or replace are written as bytes, all of them.
    if unicodedata.normalize("NFC", written) != written:
        written = _escaped(label, lambda char: char.isascii() and char.isalnum())
    return written if written not in ("", ".", "..") else "=" + written.replace(".", "=2E")


def _escaped(label: str, kept: Callable[[str], bool]) -> str:
    return "".join(
        char
        if char in _PLAIN or kept(char)
        else "".join(f"={byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        for char in label
    )


def unquoted(segment: str) -> str:
    """The label or key of a segment."""
    if segment.startswith("==") or segment == "=":  # of "", "." and ".."
        segment = segment[1:]
    return _ESCAPED.sub(
        lambda found: bytes.fromhex(found[0].replace("=", "")).decode("utf-8", "surrogatepass"),
        segment,
    )


def path(root: str, namespace: Sequence[str]) -> str:
    """The path of a namespace below `root`.

    Raises:
        InvalidNamespace: longer than a path may be (512 bytes).
    """
    return paths.check("/".join([root, *map(quoted, namespace)]))


def labels(root: str, path: str) -> tuple[str, ...] | None:
    """The namespace of a path; None if the path is not below `root`."""
    if not paths.contains(root, path):
        return None
    rest = path[len(root) + 1 :]
    return tuple(map(unquoted, rest.split("/"))) if rest else ()


def listed(namespaces: Sequence[tuple[str, ...]], op: ListNamespacesOp) -> list[tuple[str, ...]]:
    """What `list_namespaces` answers: sorted, each once."""
    found = {
        one[: op.max_depth]
        for one in namespaces
        if all(_matches(condition, one) for condition in op.match_conditions or ())
    }
    return sorted(found)[op.offset : op.offset + op.limit]


def _matches(condition: MatchCondition, namespace: tuple[str, ...]) -> bool:
    wanted = tuple(condition.path)
    if condition.match_type not in ("prefix", "suffix"):
        raise InvalidInput(
            f"match_type is {condition.match_type!r}: namespaces match by 'prefix' or 'suffix'"
        )
    if len(namespace) < len(wanted):
        return False
    if condition.match_type == "prefix":
        part = namespace[: len(wanted)]
    else:
        part = namespace[len(namespace) - len(wanted) :]
    return all(want in ("*", have) for want, have in zip(wanted, part, strict=True))
