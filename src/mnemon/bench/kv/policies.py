"""Which policies are measured: the bench's own list, or what the user names."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mnemon import methods
from mnemon.errors import InvalidInput, UnknownName
from mnemon.kv.policy import SLOTS, Policy

AUTO = "auto"
WHOLE = "0.99"
"""A budget at which a form of storage alone decides: nothing has to be dropped."""

_SCORES = (
    "random", "recency", "l2-norm-kv", "snapkv", "h2o", "tova", "keydiff", "lagkv", "compactor",
    "expected-attention",
)  # fmt: skip
_TABLE = (
    *_SCORES,
    "leverage",
    "snapkv + ada-kv",
    "snapkv + pyramid",
    f"kivi(bits=4)@{WHOLE}",
    f"kivi(bits=2)@{WHOLE}",
    "kivi(bits=4, value_bits=2)@0.26",
    "compactor + kivi(bits=2)@0.1",
    "leverage + kivi(bits=2)@0.1",
    "compactor + ada-kv + kivi(bits=2)@0.1",
    "compactor(blending=2.0) + kivi(bits=2)@0.1",
    "tangram",
    "tangram + kivi(bits=4)",
    AUTO,
)


@dataclass(frozen=True)
class Chosen:
    """A policy as the user wrote it, and its own budgets if it was given some."""

    text: str
    budgets: tuple[str, ...] = ()


def rank(text: str) -> int:
    """The place of a policy in the table; what is not in it comes last."""
    known = [_chosen(word).text for word in _TABLE]
    return known.index(text) if text in known else len(known)


@dataclass(frozen=True)
class Selection:
    """The policies to measure; `unknown` are the user's words that no method answers to."""

    policies: tuple[Chosen, ...]
    unknown: tuple[str, ...] = ()


def select(listed: str = "table") -> Selection:
    """Read `--policies`: `table`, or policies with commas between, each `POLICY[@BUDGET[/BUDGET]]`.

    Of the table, what this installation does not have is left out in silence.

    Raises:
        InvalidInput: a policy that cannot be.
        UnknownName: none of them is known.
    """
    words = [one.strip() for one in re.split(r",(?![^(]*\))", listed) if one.strip()]
    if words == ["table"]:
        return Selection(tuple(_chosen(one) for one in _TABLE if available(one)))
    if not words:
        raise InvalidInput("no policy is named: write `--policies table`, or `snapkv,recency`")
    unknown = tuple(one for one in words if one != "table" and not available(one))
    known = [one for one in words if one not in unknown]
    if not known:
        Policy.of(words[0].partition("@")[0])  # says what it does not know, and what is near
    expanded = [
        one for word in known for one in (_TABLE if word == "table" else (word,)) if available(one)
    ]
    return Selection(tuple(_chosen(one) for one in dict.fromkeys(expanded)), unknown)


def available(word: str) -> bool:
    """Whether this installation has every method that a policy names.

    Raises:
        InvalidInput: the methods are there, and cannot be combined so.
    """
    text = word.partition("@")[0].strip()
    if text == AUTO:
        return importlib.util.find_spec("mnemon.kv.auto") is not None
    if text == "table":
        return True
    try:
        Policy.of(text)
    except UnknownName:
        known = {name for slot in SLOTS for name in methods.names(f"kv.{slot}")}
        if all(name in known for name in _named(text)):
            raise  # an option is unknown, not a method
        return False
    return True


def _named(text: str) -> Sequence[str]:
    words = [one.strip() for one in re.split(r"\+(?![^(]*\))", text)]
    return [re.split(r"\s*\(", one)[0] for one in words if not re.match(r"\w+\s*=", one)]


def _chosen(word: str) -> Chosen:
    text, _, budgets = word.partition("@")
    return Chosen(text.strip(), tuple(one.strip() for one in budgets.split("/") if one.strip()))
