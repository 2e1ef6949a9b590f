"""Paths: what the model names, as one normal form inside `/memories`."""

from __future__ import annotations

import posixpath
import unicodedata

from anthropic.lib.tools import ToolError

ROOT = "/memories"


def checked(path: str) -> str:
    """The normal form of a path, without a slash at its end.

    Raises:
        ToolError: it is not inside `/memories`, or no file could be called so.
    """
    if not isinstance(path, str) or not (path == ROOT or path.startswith(f"{ROOT}/")):
        raise ToolError(f"Path must start with {ROOT}, got: {path}")
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in path) or "\\" in path:
        raise ToolError(f"Path {path!r} has a character that no file name may have")
    normal = posixpath.normpath(path)
    if not (normal == ROOT or normal.startswith(f"{ROOT}/")) or _leaves(path):
        raise ToolError(f"Path {path} would escape {ROOT} directory")
    return normal


def _leaves(path: str) -> bool:
    """Whether the path goes above the root on its way, even if it comes back."""
    depth = 0
    for name in path.split("/")[2:]:
        depth += {"..": -1, ".": 0, "": 0}.get(name, 1)
        if depth < 0:
            return True
    return False


def inside(path: str, folder: str) -> bool:
    """Whether a path is below a folder."""
    return path.startswith(f"{folder}/")
