"""Passages: a document as one record for the whole and one for each stretch of paragraphs.

Cut at blank lines where it can be, at sentence ends or anywhere where it must; nothing is lost: the
passages joined are the document. Fixed-size passages are the usual unit of retrieval, as in
Karpukhin et al. 2020, https://arxiv.org/abs/2004.04906; ours end at paragraphs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mnemon.cube import Document, Draft
from mnemon.errors import EmptyContent

__all__ = ["Passages"]

_PARAGRAPH = re.compile(r"\n\s*\n")
_SAID = re.compile(r"\S")
_SENTENCE = re.compile(r"[.!?。！？]['\")\]]*\s|\n")


@dataclass(frozen=True)
class Passages:
    """Option: `most` characters of a passage, white space around it aside."""

    most: int = 1200

    def represent(self, items: Document) -> Sequence[Draft]:
        """The draft of the whole (kind `document`: its title), then its passages in order.

        Raises:
            EmptyContent: the document has no text.
        """
        document = items
        if not document.text.strip():
            raise EmptyContent("the document is empty")
        digest = hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest()
        key = document.key or f"document:{digest}"
        title = document.title or document.text.strip().splitlines()[0][:120]
        whole = Draft(
            title, kind="document", at=document.at, source=document.source, key=key,
            metadata={**document.metadata, "characters": len(document.text)},
        )  # fmt: skip
        return [whole, *self._passages(document, key)]

    def _passages(self, document: Document, key: str) -> Iterator[Draft]:
        for number, (start, end) in enumerate(self._cuts(document.text), start=1):
            yield Draft(
                document.text[start:end],
                kind="passage",
                session=key,
                at=document.at,
                source=document.source,
                key=f"{key}#{number}",
                metadata={**document.metadata, "start": start, "end": end},
                links=(("part_of", key),),
            )

    def _cuts(self, text: str) -> Iterator[tuple[int, int]]:
        start, first = 0, _skip(text, 0)
        while len(text) - first > self.most:
            end = first + self.most
            cut = _last(_PARAGRAPH, text, first, end) or _last(_SENTENCE, text, first, end) or end
            cut = _skip(text, cut)  # white space between passages belongs to the one before
            yield start, cut
            start = first = cut
        if start < len(text):
            yield start, len(text)


def _skip(text: str, place: int) -> int:
    found = _SAID.search(text, place)
    return found.start() if found else len(text)


def _last(pattern: re.Pattern[str], text: str, start: int, end: int) -> int | None:
    ends = [found.end() for found in pattern.finditer(text, start, end)]
    return ends[-1] if ends else None
