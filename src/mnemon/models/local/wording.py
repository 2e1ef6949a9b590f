"""Wording: what is said in a conversation → segments of tokens.

Every segment is tokenized by itself, so its tokens never depend on its neighbours: what stood in a
prompt stands in the next one as the same tokens, and a recalled cube's are those of its text alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mnemon.cube import MemCube
from mnemon.models.local.rendering import Render, tokens_of
from mnemon.models.template import Template

Source = tuple[str, int]
"""(cube id, version)."""

_KNOWN = 4096


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens that stay together.

    Attributes:
        tokens: ids. sources: the cubes they were made from.
        recalled: the cube that was put in because it was recalled.
    """

    tokens: tuple[int, ...]
    sources: tuple[Source, ...] = ()
    recalled: MemCube | None = None


class Wording:
    """A tokenizer, a template and a way to render cubes.

    Attributes:
        template, render: as given.
    """

    def __init__(self, tokenizer: Any, template: Template, render: Render) -> None:
        self.template, self.render = template, render
        self._fixed: Callable[[str], tuple[int, ...]] = lru_cache(_KNOWN)(
            lambda text: tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
        )
        self._said: Callable[[str], tuple[int, ...]] = lru_cache(_KNOWN)(
            lambda text: tuple(tokens_of(tokenizer, text))
        )

    def head(self) -> list[Segment]:
        """What every prompt begins with."""
        return self._form(self.template.head)

    def between(self) -> list[Segment]:
        """What stands between an answer and the next turn."""
        return self._form(self.template.between)

    def asked(
        self, recalled: Sequence[MemCube], question: str, source: Source | None = None
    ) -> list[Segment]:
        """A turn up to where its answer begins."""
        told = self.template
        memory: list[Segment] = []
        if recalled:
            each = [Segment(self.text(cube), (mark(cube),), cube) for cube in recalled]
            memory = [*self._form(told.notice), *each, *self._form(told.gap)]
        asked = Segment(self._said(question), () if source is None else (source,))
        return [*memory, *self._form(told.asking), asked, *self._form(told.answering)]

    def answered(self, answer: str, source: Source | None = None) -> list[Segment]:
        """An answer."""
        tokens = self._said(self.template.lead + answer)
        return [Segment(tokens, () if source is None else (source,))]

    def text(self, cube: MemCube) -> tuple[int, ...]:
        """A recalled cube's tokens, wherever it stands."""
        return self._said(self.render(cube))

    def _form(self, text: str) -> list[Segment]:
        return [Segment(self._fixed(text))] if text else []


def mark(cube: MemCube) -> Source:
    """A version of a cube, as a source."""
    return cube.id, cube.version


def count(segments: Iterable[Segment]) -> int:
    """Tokens of segments."""
    return sum(len(one.tokens) for one in segments)
