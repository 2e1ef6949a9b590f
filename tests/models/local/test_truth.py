"""Whatever is added, corrected, forgotten and compiled: no answer has what is no longer so."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mnemon.memory import Memory
from mnemon.models.local import Runtime, load

NAMES = st.sampled_from(["maiposhi", "leze", "tizo"])
PURGE = st.sampled_from([False, False, True])
LOADED = load("nano", device="cpu")


def fact(name: str, value: str) -> str:
    return f"the code for {name} is {value} ."


def pairs(text: str) -> set[tuple[str, str]]:
    """Words that stand side by side."""
    words = text.split()
    return set(pairwise(words))


class Life(RuleBasedStateMachine):
    """Facts come and go; two conversations ask for them, one by each way of reuse."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(":memory:")
        given = {"max_new_tokens": 5, "budget": 300, "context": 512}
        self.prefix = Runtime(LOADED, self.memory, session="p", reuse="prefix", **given)
        self.blend = Runtime(LOADED, self.memory, session="b", reuse="blend", **given)
        self.plain = Runtime(LOADED, self.memory, session="p", reuse="none", **given)
        self.known: dict[str, tuple[str, str]] = {}  # name: id, value
        self.retired: set[tuple[str, str]] = set()
        self.values = 0

    def value(self) -> str:
        self.values += 1
        return " ".join(f"x{one:02x}" for one in random.Random(self.values).sample(range(256), 4))

    def retire(self, name: str) -> None:
        self.retired |= pairs(self.known.pop(name)[1])

    @rule(name=NAMES)
    def add(self, name: str) -> None:
        if name not in self.known:
            value = self.value()
            self.known[name] = self.memory.add(fact(name, value)).id, value

    @rule(name=NAMES)
    def tell(self, name: str) -> None:
        if name not in self.known:
            value = self.value()
            reply = self.prefix.chat(fact(name, value))
            assert reply.question is not None
            self.known[name] = reply.question, value

    @precondition(lambda self: self.known)
    @rule(name=NAMES)
    def update(self, name: str) -> None:
        if name in self.known:
            id, _ = self.known[name]
            self.retire(name)
            self.known[name] = id, (value := self.value())
            self.memory.update(id, fact(name, value))

    @precondition(lambda self: self.known)
    @rule(name=NAMES, purge=PURGE)
    def forget(self, name: str, purge: bool) -> None:
        if name in self.known:
            id, _ = self.known[name]
            self.retire(name)
            self.memory.forget(id, purge=purge)

    @rule()
    def compile(self) -> None:
        self.memory.compile({}, self.blend, to=self.blend.shared.tiers)

    @rule()
    def restart(self) -> None:
        self.prefix, self.blend = self.prefix.session("p"), self.blend.session("b")

    @rule(name=NAMES)
    def ask(self, name: str) -> None:
        question = f"what is the code for {name} ?"
        right = self.plain.answer(question)
        reply = self.prefix.chat(question)
        assert reply.text == right.text
        for one in (reply, self.blend.chat(question)):
            assert not pairs(one.text) & self.retired
            for id, version in one.trace.sources:
                assert self.memory.get(id).version == version

    @invariant()
    def what_is_stored_is_so(self) -> None:
        for cube in self.memory.list():
            assert not pairs(cube.content) & self.retired

    def teardown(self) -> None:
        self.blend.close()
        self.memory.close()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=5, stateful_step_count=12, deadline=None)
