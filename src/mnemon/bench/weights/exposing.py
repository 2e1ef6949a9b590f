"""What is asked of one fact while it is learnt: recognition against foils, and recall.

seen                    the code for maiposhi is x04 x1a x44 xc5 .
foils   near            the code for maiposhi is x04 x1a x9e xc5 .
        value           the code for maiposhi is x71 x02 x9e x30 .
        subject         the code for leze is x04 x1a x44 xc5 .
        other           the code for leze is x55 xd3 x0b x17 .

Orhan 2023, "Recognition, recall, and retention of few-shot memories in large language models",
https://arxiv.org/abs/2303.17557: a sentence is recognized if its loss is below that of a foil, and
recalled if it is completed from a cue. HOW OURS DIFFERS: facts of a made-up language; a cue is a
question or the sentence up to its value, and every token of a completion must be right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mnemon.bench.recall import BOS, EOS, ids
from mnemon.weights.lesson import Pair

if TYPE_CHECKING:
    from mnemon.bench.weights.asking import Judged
    from mnemon.bench.weights.facts import Fact

FOILS = ("near", "value", "subject", "other")
RECALLS = ("recall", "completion", "paraphrase")


def asked(fact: Fact, strangers: Sequence[Fact], rng: np.random.Generator) -> list[Pair]:
    """The cues of `RECALLS`, the sentence, and its foils in the order of `FOILS`."""
    stem = fact.told.removesuffix(f"{fact.value} .")
    told = [stem + f"{value} ." for value in (fact.value, _near(fact, rng), fact.instead)]
    stranger = _alike(fact, strangers, rng)
    told += [_about(fact.told, fact.subject, stranger.subject), stranger.told]
    return [
        Pair((BOS, *ids(fact.question)), (*ids(fact.value), EOS)),
        Pair((BOS, *ids(stem)), ids(f"{fact.value} .")),
        Pair((BOS, *ids(fact.paraphrase)), (*ids(fact.value), EOS)),
        *(Pair((BOS,), ids(one)) for one in told),
    ]


def marks(found: Sequence[Judged]) -> dict[str, float]:
    """Shares, of what `asked` gave for each fact in turn; `nll`: nats a token of the answers."""
    size = len(RECALLS) + 1 + len(FOILS)
    each = [found[start : start + size] for start in range(0, len(found), size)]
    told: dict[str, Any] = {
        name: [one[place].exact for one in each] for place, name in enumerate(RECALLS)
    }
    seen = len(RECALLS)
    for place, name in enumerate(FOILS, seen + 1):
        told[f"recognition_{name}"] = [one[seen].nll < one[place].nll for one in each]
    told["nll"] = [one[0].nll for one in each]
    return {name: float(np.mean(values)) for name, values in told.items()}


def _near(fact: Fact, rng: np.random.Generator) -> str:
    """The value with one word from the value that was never told."""
    words, others = fact.value.split(), fact.instead.split()
    places = [i for i, one in enumerate(words) if one != others[i]]
    place = places[rng.integers(len(places))]
    return " ".join([*words[:place], others[place], *words[place + 1 :]])


def _alike(fact: Fact, strangers: Sequence[Fact], rng: np.random.Generator) -> Fact:
    """A fact of the same form that nobody told."""
    size = len(fact.told.split()), fact.told.startswith("the ")
    alike = [
        one for one in strangers
        if (len(one.told.split()), one.told.startswith("the ")) == size
    ]  # fmt: skip
    return alike[rng.integers(len(alike))]


def _about(told: str, subject: str, other: str) -> str:
    return " ".join(other if word == subject else word for word in told.split())
