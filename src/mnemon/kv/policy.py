"""A policy: a scorer, an allocator and a form of storage, composed; plain data."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

import yaml

from mnemon import methods
from mnemon.errors import InvalidInput, UnknownName
from mnemon.kv import options
from mnemon.kv.needs import Need

SLOTS = ("score", "allocate", "compress", "retrieve")
_VERBS = ("score", "allocate", "compress", "select")
_ALL = 1 << 30


@dataclass(frozen=True)
class Policy:
    """What is kept, how much of it where, and in which form.

    Attributes:
        score: a `kv.score` method. allocate: a `kv.allocate` method. compress: a `kv.compress`
            method. retrieve: a `kv.retrieve` method, or None: nothing is kept elsewhere.
        sinks: first tokens that are never dropped; None: 4, less under a tiny budget.
        window: newest tokens that stay uncompressed; None: 32, less under a tiny budget.
        block: new tokens that gather before the cache is compressed again: between two
            compressions it may hold so many above its budget.
        rerotate: turn kept keys to contiguous positions (StreamingLLM); the model then sees a
            short text. Needs rotary embedding.
    """

    score: Any = field(default_factory=lambda: methods.load("kv.score", "recency"))
    allocate: Any = field(default_factory=lambda: methods.load("kv.allocate", "uniform"))
    compress: Any = field(default_factory=lambda: methods.load("kv.compress", "drop"))
    retrieve: Any = None
    sinks: int | None = None
    window: int | None = None
    block: int = 32
    rerotate: bool = False

    def __post_init__(self) -> None:
        self._check_methods()
        self._check_retrieval()
        for name in ("sinks", "window"):
            value = getattr(self, name)
            if value is not None and value < (1 if name == "window" else 0):
                raise InvalidInput(
                    f"{name}={value}: give at least {int(name == 'window')}, or None"
                )
        if self.block < 1:
            raise InvalidInput(f"block={self.block}: give at least 1 token")
        if getattr(self.score, "across_heads", False) and self.allocate.ragged:
            raise InvalidInput(
                f"{self._name('score')} keeps the same tokens in all heads of a layer, and "
                f"{self._name('allocate')} gives heads different amounts: choose one or the other"
            )

    def _check_methods(self) -> None:
        options.check("policy", self)
        for slot, verb in zip(SLOTS, _VERBS, strict=True):
            method = getattr(self, slot)
            if (slot, method) == ("retrieve", None):
                continue
            if not hasattr(method, verb) or isinstance(method, type):
                raise InvalidInput(f"policy: {slot}={method!r} is no kv.{slot} method: name one")
            if is_dataclass(method):
                options.check(self._name(slot), method)

    def _check_retrieval(self) -> None:
        if self.retrieve is None:
            return
        plain = {"score": "recency", "allocate": "uniform", "compress": "drop"}
        idle = [self._name(slot) for slot in plain if self._name(slot) != plain[slot]]
        if idle or self.rerotate:
            raise InvalidInput(
                f"{self._name('retrieve')} keeps every token, elsewhere and as it is: leave out "
                + ", ".join([*idle, *(["rerotate"] if self.rerotate else [])])
            )

    @property
    def separator(self) -> int:
        """The token id that begins a round of a dialogue; -1: none does."""
        return int(getattr(self.retrieve, "separator", -1))

    @property
    def needs(self) -> frozenset[Need]:
        """What its methods ask of the core."""
        used = [getattr(self, slot) for slot in SLOTS]
        own = {Need.PRE_ROPE, Need.POSITIONS} if self.rerotate else set()
        return frozenset(own.union(*(method.needs for method in used if method is not None)))

    @property
    def question(self) -> Literal["agnostic", "aware"]:
        """Whether a question at the end of the prompt steers what is kept, where or how.

        A scorer says so itself; an allocator or form of storage does if it asks for queries.
        """
        looking = Need.QUERIES in self.allocate.needs | self.compress.needs
        return "aware" if looking else self.score.question

    @property
    def queries(self) -> int:
        """How many of the newest queries a layer must remember."""
        if Need.ALL_QUERIES in self.needs:
            return _ALL
        if Need.QUERIES not in self.needs:
            return 0
        used = [getattr(self, slot) for slot in SLOTS]
        return max(getattr(method, "window_size", 0) for method in used if method is not None)

    def _name(self, slot: str) -> str:
        return str(methods.describe(getattr(self, slot))["name"])

    def __str__(self) -> str:
        named = [_spell(getattr(self, slot)) for slot in SLOTS if getattr(self, slot) is not None]
        plain = {"uniform", "drop"}
        kept = [one for one in named if one not in plain]
        changed = [
            f"{option.name}={getattr(self, option.name)}"
            for option in fields(self)
            if option.name not in SLOTS and getattr(self, option.name) != option.default
        ]
        return " + ".join(kept + changed)

    def to_json(self) -> str:
        """The policy as JSON, methods with their versions and options."""
        told: dict[str, Any] = {}
        for option in fields(self):
            value = getattr(self, option.name)
            in_slot = option.name in SLOTS and value is not None
            told[option.name] = methods.describe(value) if in_slot else value
        return json.dumps(told)

    @classmethod
    def from_json(cls, text: str) -> Policy:
        """The policy that `to_json` told.

        Raises:
            InvalidInput: not such JSON, or of a version of a method that is no longer here.
            UnknownName: a method, option or setting that is not here.
        """
        try:
            told = json.loads(text)
        except ValueError as wrong:
            raise InvalidInput(f"this is not the JSON of a policy: {wrong}") from None
        if not isinstance(told, dict):
            raise InvalidInput(f"the JSON of a policy is an object, not {told!r}")
        _check_names(told)
        for slot in SLOTS:
            if told.get(slot) is not None:
                told[slot] = _load(told[slot])
        return cls(**told)

    @classmethod
    def of(cls, value: Policy | str | dict[str, Any]) -> Policy:
        """Read a policy: one, or a text such as `"snapkv + kivi(bits=4) + window=16"`.

        Each word is a method of any of the slots, or a setting; the order does not matter. What is
        not named is `recency`, `uniform` and `drop`. A dictionary names slots.

        Raises:
            InvalidInput: two methods of one slot, words that cannot be combined, or no policy.
            UnknownName: no such method, option or setting.
        """
        if isinstance(value, Policy):
            return value
        if isinstance(value, dict):
            _check_names(value)
            return cls(**{key: _of_slot(key, one) for key, one in value.items()})
        if not isinstance(value, str):
            raise InvalidInput(
                f"policy={value!r}: give a text such as 'snapkv + kivi(bits=4)', a dictionary of"
                " its slots and settings, or a Policy"
            )
        chosen: dict[str, Any] = {}
        for word in (one.strip() for one in re.split(r"\+(?![^(]*\))", value)):
            key, part = _read(word)
            if key in chosen:
                raise InvalidInput(f"policy {value!r} names two of {key!r}: choose one")
            chosen[key] = part
        return cls(**chosen)


def _check_names(told: dict[str, Any]) -> None:
    known = [option.name for option in fields(Policy)]
    for name in told:
        if name not in known:
            raise UnknownName(f"a policy has no setting {name!r}: {methods.nearest(name, known)}")


def _read(word: str) -> tuple[str, Any]:
    if (setting := re.fullmatch(r"(\w+)\s*=\s*(.+)", word)) is not None:
        _check_names({setting[1]: None})
        return setting[1], _of_slot(setting[1], yaml.safe_load(setting[2]))
    called = re.fullmatch(r"([\w-]+)\s*(?:\((.*)\))?", word)
    if called is None:
        raise InvalidInput(f"policy word {word!r}: write name, name(option=value) or setting=value")
    name, inside = called[1], called[2] or ""
    if name == "auto":
        raise InvalidInput(
            "'auto' is a whole policy, chosen for a model and a budget: give KVCache 'auto' alone,"
            " or name methods"
        )
    given = dict(_option(one) for one in inside.split(",") if one.strip())
    for slot in SLOTS:
        if name in methods.names(f"kv.{slot}"):
            return slot, methods.load(f"kv.{slot}", name, **given)
    known = [name for slot in SLOTS for name in methods.names(f"kv.{slot}")]
    raise UnknownName(f"no KV method is called {name!r}: {methods.nearest(name, known)}")


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"option {text.strip()!r}: write name=value")
    return name.strip(), yaml.safe_load(value)


def _of_slot(key: str, value: Any) -> Any:
    if key in SLOTS and isinstance(value, str):
        slot, method = _read(value)
        if slot != key:
            raise InvalidInput(f"{value!r} is a kv.{slot} method, not one of kv.{key}")
        return method
    return value


def _load(told: dict[str, Any]) -> Any:
    method = methods.load(told["slot"], told["name"], **told["options"])
    version = getattr(type(method), "version", 1)
    if version != told["version"]:
        raise InvalidInput(
            f"the policy was saved with {told['name']} version {told['version']}, and this is "
            f"version {version}: its results differ; name the method anew to accept that"
        )
    return method


def _spell(method: Any) -> str:
    name = str(methods.describe(method)["name"])
    changed = {
        option.name: getattr(method, option.name)
        for option in fields(method)
        if getattr(method, option.name) != option.default
    }
    told = ", ".join(f"{key}={value}" for key, value in changed.items())
    return f"{name}({told})" if told else name
