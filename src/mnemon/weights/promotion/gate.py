"""The gate: what a set of adapters must show before an alias points at it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mnemon.weights.consolidation import bases
from mnemon.weights.promotion.asking import Asking
from mnemon.weights.promotion.probes import Fact, drawn, facts, older, readings, strangers
from mnemon.weights.promotion.wearable import learnt, routes

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.memory import Memory


_MOST_NATS = 700.0  # a token; beyond it there is no such float


@dataclass(frozen=True, slots=True)
class Check:
    """One figure and its limit; without a limit, or with nothing to ask (the figure is None then),
    nothing fails."""

    name: str
    figure: float | None
    limit: float | None
    asked: int
    passed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate found.

    Attributes:
        aside: figures that nothing is decided by: `strangers_worn` (share of strangers' questions
            answered with a stored value when the adapter is worn whatever the question names) and
            `perplexity_worn` (as `perplexity`, every text read with some adapter worn).
    """

    checks: tuple[Check, ...]
    aside: dict[str, float | None] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(one.passed for one in self.checks)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of those that did."""
        return tuple(one.name for one in self.checks if not one.passed)

    def figures(self) -> dict[str, Any]:
        """As JSON data, for the alias's past."""
        return {"checks": [asdict(one) for one in self.checks], "aside": dict(self.aside)}


@dataclass(frozen=True, slots=True)
class Probes:
    """What to ask beside the facts themselves.

    Attributes:
        general: (prompt, answer) pairs of the base's own tasks; texts about strangers with a
            question each, made of the facts, if None.
        strangers: questions whose subject is in no adapter; made of the facts if None.
        texts: held-out texts; the namespace's own oldest ones if None.
    """

    general: Sequence[tuple[str, str]] | None = None
    strangers: Sequence[str] | None = None
    texts: Sequence[str] | None = None


@dataclass(frozen=True)
class Gate:
    """Limits, each on how a reader with these adapters answers, by its own choice of adapter.

    Attributes:
        recall: at least this share of the facts that are new in the set is answered. An adapter
            that did not learn is not among them, so what is missing is a fault of reading.
        earlier: of what the set before answered, at least this share is answered still. Shards do
            not change each other: only one that was made again may lose one.
        strangers: at most this share of questions about others is answered with a stored value.
        general: of the base's right answers to general probes, at least this share is still right.
        perplexity: at most so many times the base's, over held-out text, each with the adapter
            that it names a subject of. Told and without a limit by default: an adapter of `lora`
            answers its questions and is no model of text, so none would pass (see the docs).
        most: facts, strangers and general probes asked at most, of each. texts: texts read at most.
    """

    recall: float = 0.9
    earlier: float = 0.98
    strangers: float = 0.02
    general: float = 0.98
    perplexity: float | None = None
    most: int = 200
    texts: int = 32

    def judge(
        self, memory: Memory, model: Any, tokenizer: Any, keys: Collection[str],
        before: Collection[str] = (), probes: Probes | None = None,
    ) -> Verdict:  # fmt: skip
        """What a set of adapters does, beside the set before it; nothing is moved.

        Raises:
            NotFound: one is no fresh adapter of this model that learnt.
            InvalidInput: the model wears adapters already.
        """
        given = probes or Probes()
        found = learnt(memory, bases(model, tokenizer)["model"])
        mine = [one for one in found if one.key in keys]
        old = [one for one in found if one.key in before]
        earlier = drawn(facts(memory, old), self.most)
        with Asking(memory, model, tokenizer, keys) as asking:
            told = facts(memory, mine)
            own = drawn([one for one in told if one.adapter not in before] or told, self.most)
            right = sum(asking.answers(one) for one in own)
            lost = [one for one in earlier if not asking.answers(one)]
            others, worn = self._others(asking, told, given.strangers, tokenizer)
            general = self._general(asking, own, given.general, tokenizer)
            surprise, spoilt = self._surprise(memory, asking, mine, given.texts)
        with Asking(memory, model, tokenizer, [one.key for one in old]) as asking:
            known = len(earlier) - sum(not asking.answers(one) for one in lost)
        still = len(earlier) - len(lost)
        return Verdict(
            (
                _least("recall", right, len(own), self.recall),
                _least("earlier", still, known, self.earlier), others, general, surprise,
            ),
            {"strangers_worn": worn, "perplexity_worn": spoilt},
        )  # fmt: skip

    def _others(
        self, asking: Asking, told: Sequence[Fact], given: Sequence[str] | None, tokenizer: Any
    ) -> tuple[Check, float | None]:
        values = [one.value for one in told]
        if given is None:
            asked = strangers(drawn(told, self.most), tokenizer)
        else:
            adapters = sorted(asking.reader.keys) or [""]
            asked = [
                Fact(question, "", "", adapters[at % len(adapters)])
                for at, question in enumerate(drawn(given, self.most))
            ]
        if not asked or not values:
            return _most("strangers", None, self.strangers, 0), None
        wrong = sum(asking.tells(one.question, values) for one in asked)
        worn = sum(asking.tells(one.question, values, one.adapter) for one in asked)
        return (
            _most("strangers", wrong / len(asked), self.strangers, len(asked)), worn / len(asked),
        )  # fmt: skip

    def _general(
        self, asking: Asking, own: Sequence[Fact], given: Sequence[tuple[str, str]] | None,
        tokenizer: Any,
    ) -> Check:  # fmt: skip
        asked = readings(own, tokenizer) if given is None else drawn(given, self.most)
        known = [one for one in asked if asking.base_right(*one)]
        return _least("general", sum(asking.right(*one) for one in known), len(known), self.general)

    def _surprise(
        self, memory: Memory, asking: Asking, mine: Sequence[Artifact],
        given: Sequence[str] | None,
    ) -> tuple[Check, float | None]:  # fmt: skip
        texts = given
        if texts is None:
            texts = older(memory, mine, routes(mine), self.texts)
        keys = sorted(one.key for one in mine)
        base = chosen = worn = 0.0
        tokens = 0
        for at, text in enumerate(drawn(texts, self.texts)):
            plain, count = asking.nats(text, None)
            key, _ = asking.reader.route(text)
            read = plain if key is None else asking.nats(text, key)[0]
            forced = asking.nats(text, key or keys[at % len(keys)])[0] if keys else plain
            base, chosen, worn, tokens = base + plain, chosen + read, worn + forced, tokens + count
        if not tokens:
            return _most("perplexity", None, self.perplexity, 0), None
        ratio = _times(chosen - base, tokens)
        return _most("perplexity", ratio, self.perplexity, tokens), _times(worn - base, tokens)


def _times(nats: float, tokens: int) -> float:
    return math.exp(min(nats / tokens, _MOST_NATS))


def _least(name: str, right: int, asked: int, limit: float) -> Check:
    figure = right / asked if asked else None
    return Check(name, figure, limit, asked, figure is None or figure >= limit)


def _most(name: str, figure: float | None, limit: float | None, asked: int) -> Check:
    return Check(name, figure, limit, asked, figure is None or limit is None or figure <= limit)
