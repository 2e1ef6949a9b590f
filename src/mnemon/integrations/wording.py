"""Wording: what people and models wrote → the text of a cube, which is what searches read.

A cube's text is never empty, has no NUL and no lone surrogate, and is bounded. What a framework
gave is kept exactly, as JSON in the cube's metadata; this is only what it is found by.
"""

from __future__ import annotations

from typing import Any

from mnemon.intake import MAX_CHARACTERS


def searchable(text: str, otherwise: str) -> str:
    """The text as a cube can hold it; `otherwise` where nothing would be left."""
    mended = text.replace("\x00", " ").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return mended[:MAX_CHARACTERS] if mended[:MAX_CHARACTERS].strip() else otherwise


def parts_text(content: Any) -> str:
    """The text of a message's content: itself, or its parts that have a `text`, a line each."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part if isinstance(part, str) else _text_of(part) for part in content]
    return "\n".join(text for text in texts if text)


def _text_of(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""
