"""Runtime: a local model with a memory. It recalls, answers, and remembers the turn."""

from __future__ import annotations

import threading
from collections.abc import Generator
from copy import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, overload
from uuid import uuid4

from mnemon.errors import InvalidInput
from mnemon.intake import check_content
from mnemon.memory import Memory
from mnemon.models.local.adapters import Adapter, Adapters
from mnemon.models.local.answering import Asked, answering
from mnemon.models.local.decoding import Sampling
from mnemon.models.local.limits import context_of, stops_of
from mnemon.models.local.loading import both
from mnemon.models.local.prepare import Preparation
from mnemon.models.local.prepare.bare import Bare
from mnemon.models.local.prepare.recompute import Recompute
from mnemon.models.local.prepare.shared import Shared
from mnemon.models.local.prepare.worn import Worn
from mnemon.models.local.rendering import Render, rendering
from mnemon.models.local.reply import Reply, Stream
from mnemon.models.local.storing import USER
from mnemon.models.local.verifying import Checked, Verifying
from mnemon.models.local.wearing import wearing_of
from mnemon.models.local.wording import Wording
from mnemon.models.template import Template, opening, template_of

if TYPE_CHECKING:
    from mnemon.kv.budget import Budget
    from mnemon.kv.policy import Policy
    from mnemon.kv.tiers import Tiers
    from mnemon.models.local.prompt import Prompt


class Runtime:
    """One conversation of a model with a memory; `session` gives others over the same model.

    A turn recalls what bears on the question, lays it behind what was said before, computes what
    is new of it, answers, and stores question and answer. Nothing is stored of a turn that failed
    or was stopped. For several threads: turns of one conversation follow each other.

    Attributes:
        model, tokenizer, memory: as given. session_name: the conversation's session.
        shared: kept keys and values. way: the conversation's own. verifying: what was compared.
        wearing: the model's right to be computed with. adapters: those that may answer, or None.
    """

    def __init__(
        self,
        model: Any,
        memory: Memory,
        *,
        tokenizer: Any = None,
        session: str | None = None,
        system: str | None = None,
        budget: int = 1000,
        reuse: str | None = None,
        tiers: Tiers | None = None,
        method: str = "mentions",
        policy: Policy | str = "recency",
        kv_budget: Budget | float | int | str = 1.0,
        context: int | None = None,
        max_new_tokens: int = 256,
        render: Render | None = None,
        template: Template | None = None,
        verify: float = 0.0,
        tolerance: float | None = None,
        speaker: str = USER,
        weights: bool | str = False,
    ) -> None:
        """Begin, or go on with, a conversation.

        Args:
            model: what `load` gave, a causal language model of transformers, or a name for `load`.
            tokenizer: the model's; by default the one that lies beside its weights.
            session: which conversation; a new one if None.
            system: what the model is told about itself.
            budget: tokens, as the memory counts them, that recall may take for a turn; 0 for none.
            reuse: `prefix`: what a prompt begins with is not computed again. `blend`: nor are cubes
                that were compiled (`Memory.compile`; those recalled often are by themselves), but
                for some of their tokens: answers are near to those of recomputation, not equal.
                `none`: all is computed. By default `prefix`, or `none` for a model some of whose
                layers do not keep all tokens.
            tiers: where kept keys and values lie beside this process's memory, such as
                `Tiers(disk="kv")`; they come back from there in a later process.
            method: of the slot `kv.blend`.
            policy, kv_budget: what the cache is compressed with, and to how much (see `KVCache`).
            context: tokens of the window; by default all that the model was trained for.
            render: how a cube stands in a prompt; by default as `rendering` chooses.
            template: the fixed texts of prompts; by default the model's own.
            verify: the fraction of turns on which kept keys and values are compared with
                recomputation, and dropped if they differ by more than `tolerance` (of a logit).
            max_new_tokens: the longest answer. speaker: who asks.
            weights: adapters answer what they know, without text: of an alias, or of `current`.

        Raises:
            InvalidInput, NotFound: what does not go together, and why; no such alias.
            MissingExtra: torch or transformers is not installed.
        """
        if verify and kv_budget != 1.0:
            raise InvalidInput("verify= compares with a full cache: leave kv_budget= at 1.0")
        self.model, self.tokenizer = both(model, tokenizer)
        self.memory, self.session_name = memory, session or _new_session()
        self.speaker, self.budget, self.max_new_tokens = speaker, budget, max_new_tokens
        self.context = context_of(self.model, context)
        told = template_of(self.tokenizer, system) if template is None else template
        self.wording = Wording(self.tokenizer, told, render or rendering(self.tokenizer))
        self.opening = opening(self.tokenizer, told)
        self.ends, self.stops = told.stops, stops_of(self.model, self.tokenizer, told)
        self.verifying = Verifying(verify, tolerance)
        self.shared = Shared(self.model, self.tokenizer, memory, reuse, tiers, self.opening, method)
        self.wearing = wearing_of(self.model)
        self.adapters = self._adapters(weights) if weights else None
        self._policy, self._kv_budget = policy, kv_budget
        self.way = self._way()
        self._turn = _Turn()

    def session(self, name: str | None = None) -> Runtime:
        """Another conversation over the same model and memory, sharing all that is kept."""
        other = copy(self)
        other.session_name = name or _new_session()
        other.way, other._turn = other._way(), _Turn()
        return other

    @overload
    def chat(self, text: str, *, stream: Literal[False] = False, **how: Any) -> Reply: ...
    @overload
    def chat(self, text: str, *, stream: Literal[True], **how: Any) -> Stream: ...
    def chat(self, text: str, *, stream: bool = False, **how: Any) -> Reply | Stream:
        """Answer and store the turn.

        Args:
            stream: give the answer in pieces, as they are made; `.reply` has all of it at the end.
            how: `max_new_tokens`; `temperature` (0, the default, takes the likeliest token),
                `top_p` and `seed` of sampling.

        Raises:
            EmptyContent, InvalidText: the question cannot be used.
            VersionConflict, NotFound: a source of the answer changed while it was made: it is not
                stored. Ask again.
        """
        made = Stream(self._pieces(self._asked(text, kept=True, **how)))
        return made if stream else _whole(made)

    def stream(self, text: str, **how: Any) -> Stream:
        """As `chat(text, stream=True)`."""
        return self.chat(text, stream=True, **how)

    def answer(self, text: str, **how: Any) -> Reply:
        """Answer as `chat` does, and store nothing."""
        return _whole(Stream(self._pieces(self._asked(text, kept=False, **how))))

    def checked(self, prompt: Prompt, adapter: Adapter | None = None) -> Checked:
        """Make a prompt ready, and compare with recomputation if it is this turn's lot.

        With an adapter all is computed, and nothing of it is kept.
        """
        if adapter is not None:
            worn = Worn(self.model, self.wearing, adapter.deltas)
            return Checked(worn.prepare(prompt), worn)
        prepared = self.way.prepare(prompt)
        if not self.verifying.due():
            return Checked(prepared, self.way)
        return self.verifying.check(prompt, prepared, self.way, self._recompute())

    def _asked(
        self, text: str, *, kept: bool, max_new_tokens: int | None = None, **sampling: Any
    ) -> Asked:
        check_content(text)
        limit = self.max_new_tokens if max_new_tokens is None else max_new_tokens
        if limit < 1:
            raise InvalidInput(f"max_new_tokens={limit}: an answer has at least 1 token")
        return Asked(text.strip(), Sampling(**sampling), limit, kept)

    def _pieces(self, asked: Asked) -> Generator[str, None, Reply]:
        with self._turn:
            try:
                return (yield from answering(self, asked))
            except GeneratorExit:  # stopped between two tokens: the cache is as it should be
                raise
            except BaseException:
                self.way.close()
                raise

    def rest(self) -> None:
        """Let go of the conversation's own cache; what is kept for all stays. It can go on."""
        with self._turn:
            self.way.close()

    def close(self) -> None:
        """Let go of all that this model's conversations keep, but for `tiers=` that were given."""
        self.rest()
        self.shared.close()

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _way(self) -> Preparation:
        return Bare(self.shared.way(self._policy, self._kv_budget), self.wearing)

    def _adapters(self, weights: bool | str) -> Adapters:
        alias = weights if isinstance(weights, str) else None
        return Adapters(self.memory, self.model, self.tokenizer, self.wearing, alias)

    def _recompute(self) -> Preparation:
        return Bare(Recompute(self.model, self._policy, self._kv_budget), self.wearing)


class _Turn:
    """The right to be the turn under way: others wait, but for the thread that has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        if self._holder == threading.get_ident():
            raise InvalidInput(
                "an answer of this conversation is still streaming: take or close it"
            )
        self._lock.acquire()
        self._holder = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        self._lock.release()


def _whole(stream: Stream) -> Reply:
    for _ in stream:
        pass
    return stream.reply


def _new_session() -> str:
    return f"chat-{datetime.now(UTC).date().isoformat()}-{uuid4().hex[:8]}"
