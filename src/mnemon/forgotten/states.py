"""States: whether a latent state, a pool or a bank that is left still tells what was forgotten.

Each fresh one for the model is asked by itself; it tells where its greedy answer has the value and
the bare model's has not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.forgotten.report import Look
from mnemon.weights import LatentReader, PoolReader
from mnemon.weights.absorbing import SLOT as POOL
from mnemon.weights.bank import attach, kept
from mnemon.weights.bank.keeping import FORM as BANK
from mnemon.weights.consolidation import bases
from mnemon.weights.governance import LATENT
from mnemon.weights.reading import greedy
from mnemon.weights.remembering import SLOT as STATE

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.memory import Memory
    from mnemon.models.local.wearing import Wearing
    from mnemon.weights.ask import Ask
    from mnemon.weights.lesson import Lesson


class States:
    """A memory's latent states, pools and banks for a model, each by itself."""

    def __init__(
        self, memory: Memory, model: Any, tokenizer: Any, put: Ask, wearing: Wearing
    ) -> None:  # fmt: skip
        self._memory, self._model, self._tokenizer = memory, model, tokenizer
        self._put, self._wearing = put, wearing

    def looks(self, lessons: Sequence[Lesson], most: Sequence[int]) -> Iterator[Look]:
        """What is told by `states`, by `pools` and by `banks`.

        Args:
            lessons: those that the bare model does not tell.
            most: tokens that each answer may have.
        """
        latent, banks = self._fresh(LATENT), self._fresh(BANK)
        for where, some, opened in (
            ("states", [one for one in latent if _of(one, STATE)], self._state),
            ("pools", [one for one in latent if _of(one, POOL)], self._pool),
            ("banks", banks, self._bank),
        ):
            found = [one.key for one in some if self._tells(opened, one, lessons, most)]
            yield Look(where, len(some) * len(lessons), len(found), tuple(found))

    def _fresh(self, form: str) -> list[Artifact]:
        base = bases(self._model, self._tokenizer)["model"]
        return [one for one in self._memory.artifacts.list(form) if one.fresh and one.model == base]

    def _tells(
        self, opened: Callable[[Artifact, Lesson, int], str], one: Artifact,
        lessons: Sequence[Lesson], most: Sequence[int],
    ) -> bool:  # fmt: skip
        asked = zip(lessons, most, strict=True)
        return any(told.value in opened(one, told, count) for told, count in asked)

    def _state(self, one: Artifact, told: Lesson, most: int) -> str:
        reader = LatentReader(self._memory, self._model, self._tokenizer, state=one)
        with self._wearing.bare():
            return reader.answer(told.question, most=most).text

    def _pool(self, one: Artifact, told: Lesson, most: int) -> str:
        reader = PoolReader(self._memory, self._model, self._tokenizer, pool=one)
        with self._wearing.bare():
            return reader.answer(told.question, most=most)

    def _bank(self, one: Artifact, told: Lesson, most: int) -> str:
        prompt = self._put.prompt(self._tokenizer, told.question)
        with self._wearing.alone():
            bank = kept(self._memory, self._model, self._tokenizer, one.key)
            with attach(self._model, bank):
                ids = greedy(self._model, prompt, self._put.ends(self._tokenizer), most)
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))


def _of(one: Artifact, slot: str) -> bool:
    return one.method.startswith(f"method:{slot}/")
