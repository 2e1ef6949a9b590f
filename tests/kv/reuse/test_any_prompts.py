"""Whatever prompts come and whatever is lost in between, what comes out is what computing gives."""

from __future__ import annotations

from functools import cache as once

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kv.models import tiny_llama
from tests.kv.reuse.prompts import Shelf, Versions, recomputed
from transformers import PreTrainedModel

from mnemon.kv.reuse.conversation import Conversation
from mnemon.kv.reuse.prefix import PrefixCache

SIZE = 4
TOKENS = st.lists(st.integers(3, 4), min_size=1, max_size=9)  # so few that beginnings coincide
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 3), TOKENS),
        st.tuples(st.just("fork"), st.integers(0, 3), st.integers(0, 30), TOKENS),
        st.tuples(st.just("change"), st.integers(3, 4)),
        st.tuples(st.sampled_from(["damage", "lose"]), st.integers(0, 20)),
        st.tuples(st.just("rest"), st.integers(0, 3)),
    ),
    min_size=4,
    max_size=14,
)


@once
def model() -> PreTrainedModel:
    return tiny_llama(layers=2, hidden=32, heads=2, kv_heads=1)


@once
def expected(prompt: tuple[int, ...]) -> torch.Tensor:
    return recomputed(model(), prompt)


class World:
    """Conversations over one shelf and one ledger, and what a perfect memory would know of them.

    Each token is a cube of its own; changing it makes a new version. What is told of a prompt are
    the versions that were current when it was computed.
    """

    def __init__(self, in_tiers: bool) -> None:
        self.shelf, self.ledger = Shelf(), Versions()
        self.ledger.cubes = {"3": 1, "4": 1}
        tiers = self.shelf if in_tiers else None
        self.prefixes = PrefixCache(model(), tiers=tiers, ledger=self.ledger, size=SIZE)
        self.conversations = [Conversation(self.prefixes, chunk=5) for _ in range(4)]
        self.prompts: list[list[int]] = [[] for _ in range(4)]
        self.published: list[list[int]] = []

    def say(self, number: int, tokens: list[int]) -> None:
        self.ask(number, [*self.prompts[number], *tokens][:60])

    def fork(self, number: int, place: int, tokens: list[int]) -> None:
        other = (number + 1) % 4
        self.ask(other, [*self.prompts[number][:place], *tokens])

    def ask(self, number: int, prompt: list[int]) -> None:
        conversation, live = self.conversations[number], self.prompts[number]
        now = dict(self.ledger.cubes)
        found = conversation.prefill(prompt)
        assert torch.allclose(found.logits, expected(tuple(prompt)), atol=1e-3)
        most = max(common(prompt, one) for one in [*self.published, live])
        assert found.reused <= min(most, len(prompt) - 1)
        assert found.reused == sum(found.by_tier.values())
        assert found.reused + found.computed == len(prompt)

        def sources(begin: int, end: int) -> list[tuple[str, int]]:
            return [(str(one), now[str(one)]) for one in sorted(set(prompt[begin:end]))]

        conversation.publish(sources)
        self.published.append(prompt)
        self.prompts[number] = prompt

    def change(self, token: int) -> None:
        self.ledger.cubes[str(token)] += 1
        current = self.ledger.fresh(list(self.ledger.records))
        for prompt in self.published:
            begun = self.prefixes.begin([*prompt, 3])
            assert begun.reused <= SIZE * len(current)
            self.prefixes.release(begun.cache)

    def damage(self, number: int) -> None:
        if self.shelf.blobs:
            self.shelf.damage(list(self.shelf.blobs)[number % len(self.shelf.blobs)])

    def lose(self, number: int) -> None:
        if self.shelf.blobs:
            del self.shelf.blobs[list(self.shelf.blobs)[number % len(self.shelf.blobs)]]

    def rest(self, number: int) -> None:
        self.conversations[number].close()
        self.prompts[number] = []


def common(one: list[int], other: list[int]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


@given(st.booleans(), STEPS)
@settings(max_examples=25, deadline=None)
def test_reuse_is_never_seen_in_what_comes_out(in_tiers: bool, steps: list[tuple]) -> None:
    world = World(in_tiers)
    for what, *how in steps:
        getattr(world, what)(*how)
    for conversation in world.conversations:
        conversation.close()
    tree = world.prefixes._kept.tree
    assert not any(tree.users(key) for key in world.ledger.records)  # every use has ended
