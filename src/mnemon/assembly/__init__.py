"""Assembling a prompt: what was found → text under a token budget, in time order, cited."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Counter = Callable[[Sequence[str]], list[int]]
"""Texts → tokens of each."""
