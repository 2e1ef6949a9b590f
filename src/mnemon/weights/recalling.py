"""Answering from a latent state: what it has goes before the question, or beside attention."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mnemon import methods
from mnemon.errors import NotFound
from mnemon.kv import seam
from mnemon.kv.attending import attending
from mnemon.weights import addresses
from mnemon.weights.ask import Ask
from mnemon.weights.associate import Associate, Recalled, State
from mnemon.weights.consolidation import bases
from mnemon.weights.remembering import SLOT, named, opened, states

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mnemon.artifacts import Artifact
    from mnemon.memory import Memory


@dataclass(frozen=True, slots=True)
class Told:
    """Text, its token ids, the key of the state that was read (None: the base alone), how well it
    knew what is asked (0 to 1), and why."""

    text: str
    ids: tuple[int, ...]
    state: str | None
    score: float
    why: str


class LatentReader:
    """Answers questions by a model with a memory's fullest fresh latent state of a method.

    Each answer asks whether the state is fresh; its tensors are kept between answers.
    """

    def __init__(
        self,
        memory: Memory,
        model: Any,
        tokenizer: Any,
        *,
        method: str = "larimar",
        state: Artifact | None = None,
    ) -> None:
        """Open one.

        Args:
            state: this one instead, of whatever method.

        Raises:
            NotFound: the memory has no fresh state of that method for this model.
        """
        self._memory, self._model, self._tokenizer = memory, model, tokenizer
        read = self._fullest(method) if state is None else state
        told = dict(read.header["options"])
        self._put = Ask(told.pop("ask"))
        self._writer: Associate = methods.load(SLOT, named(read), **told)
        self._state: State = {}
        self.key = read.key

    def _fullest(self, method: str) -> Artifact:
        found = states(self._memory, bases(self._model, self._tokenizer)["model"])
        fitting = [one for one in found if named(one) == method]
        if not fitting:
            raise NotFound(
                f"namespace {self._memory.namespace!r} has no fresh latent state of {method} for "
                "this model: remember first"
            )
        return fitting[-1]

    def recalled(self, question: str) -> Recalled | None:
        """What the state gives the decoder for a question; None if it knows nothing it names.

        Raises:
            StaleArtifact: a text in the state has changed: remember again.
            NotFound: it was forgotten: open another reader.
        """
        listed = {one.key for one in self._memory.artifacts.list("latent") if one.fresh}
        if self.key not in listed:
            self._state = {}
        self._state = self._state or opened(self._memory, self.key)
        asked = addresses.asked(question, self._memory.namespace)
        return self._writer.read(self._model, self._state, asked)

    def answer(self, question: str, *, most: int = 16) -> Told:
        """The model's greedy answer, of `most` tokens at most. Raises as `recalled` does.

        Args:
            question: as a person asks it; it is put to the model as the state says (see
                `mnemon.weights.ask`). Or put so already.
        """
        read, prompt = self.recalled(question), self._put.prompt(self._tokenizer, question)
        if read is None:
            cache, key, score = seam.native_cache(self._model), None, 0.0
            why = "the state knows nothing that the question names"
            read = Recalled(cache, 0, 0.0)
        else:
            key, score, why = self.key, read.score, "the state knows what the question names"
            prompt = prompt[prompt[0] == self._tokenizer.bos_token_id :]
        ids = following(self._model, prompt, read, self._put.ends(self._tokenizer), most)
        text = self._tokenizer.decode(ids, skip_special_tokens=True).strip()
        return Told(text, tuple(ids), key, score, why)


@torch.no_grad()
def following(
    model: Any, prompt: Sequence[int], read: Recalled, ends: Collection[int], most: int
) -> list[int]:
    """The likeliest tokens after a prompt, with what was recalled, up to one of `ends`."""
    given, out, place = torch.tensor([list(prompt)], device=model.device), list[int](), read.start
    beside = nullcontext() if read.beside is None else attending(model, read.beside)
    with beside:
        for _ in range(most):
            places = torch.arange(place, place + given.shape[1], device=model.device)[None]
            logits = seam.forward(model, given, read.cache, position_ids=places, logits_to_keep=1)
            place += given.shape[1]
            given = logits[:, -1].argmax(-1, keepdim=True)
            if (token := int(given)) in ends:
                break
            out.append(token)
    return out
