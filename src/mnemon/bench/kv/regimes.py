"""How contexts are asked: what is compressed when, and what comes after.

`agnostic`    the context is compressed; the question comes after it.
`aware`       the context and the question are compressed together; only the answer's cue is fresh.
`shared`      one compressed context is asked several questions, each as if it were the only one
              (SCBench, Li et al. 2024, https://arxiv.org/abs/2412.10319, "multi-request").
`turns`       the same context is asked several questions in a dialogue that goes on; what has been
              said is compressed as well (SCBench, "multi-turn").
`decode`      as `turns`, until so many tokens have come after the context; the last third counts,
              and the cache is weighed at every token.
`perplexity`  of the second half of held-out filler, the first half compressed.
"""

from __future__ import annotations

REGIMES = ("agnostic", "aware", "shared", "turns", "decode", "perplexity")
"""Every regime."""
PREFILL = ("agnostic", "aware", "shared")
"""Regimes in which nothing is compressed after the prompt."""
QUESTIONS = {"shared": 4, "turns": 4, "decode": 0, "perplexity": 0}
"""Questions of one context, where it is not one; in `decode`, as many as fill the tokens."""

_SINGLE = ("niah_single", "cwe")
_LATE = ("kv", "niah_multikey", "fact")


def kept_back(regime: str) -> tuple[str, ...]:
    """Tasks that a regime cannot ask: they have one question only, or too few to fill it."""
    from mnemon.bench.recall.sampling import TASKS

    if regime in ("shared", "turns"):
        return _SINGLE
    return tuple(task for task in TASKS if task not in _LATE) if regime == "decode" else ()
