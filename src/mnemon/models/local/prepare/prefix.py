"""Prefix: what a prompt begins with is not computed again if its keys and values are kept.

The conversation's own cache is exact to the last token; what other conversations or processes
computed comes in blocks, from memory or the tiers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.kv.reuse import keys as keyed
from mnemon.kv.reuse.conversation import Conversation
from mnemon.models.local.prepare import Prepared
from mnemon.models.local.prompt import common

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.budget import Budget
    from mnemon.kv.policy import Policy
    from mnemon.kv.reuse.prefix import PrefixCache
    from mnemon.models.local.prompt import Prompt

__all__ = ["Prefix"]


class Prefix:
    """Computes what is new at the end of a prompt."""

    exact = True

    def __init__(
        self, prefixes: PrefixCache, policy: Policy | str, budget: Budget | float | int | str
    ) -> None:
        self._prefixes = prefixes
        self._talk = Conversation(prefixes, policy=policy, budget=budget)
        self._seconds = 0.0

    def prepare(self, prompt: Prompt) -> Prepared:
        """Make the conversation's cache hold a prompt."""
        made = self._talk.prefill(prompt.tokens)
        self._seconds = made.seconds
        return Prepared(made.logits, made.by_tier, made.computed)

    def feed(self, token: int) -> Tensor:
        """Go on with one more token."""
        return self._talk.append([token])

    def publish(self, prompt: Prompt) -> int:
        """Keep the whole blocks of what was computed. Under a budget there are none to keep."""
        cache = self._talk.cache
        if cache is None or cache.compresses:
            return 0
        # The text of an answer may have other tokens than it was made of.
        same = common(self._talk.tokens, prompt.tokens)
        return self._prefixes.publish(cache, same, prompt.sources, seconds=self._seconds)

    def drop(self, prompt: Prompt) -> None:
        """Let go of the conversation's cache, and of the blocks of this prompt."""
        self._talk.close()
        root = self._prefixes.root()
        self._prefixes.forget(keyed.chain(root, prompt.tokens, self._prefixes.size))

    def close(self) -> None:
        """Let go of the conversation's cache."""
        self._talk.close()
