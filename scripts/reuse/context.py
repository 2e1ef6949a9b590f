"""One context: computed, kept in the tiers, and asked for again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.kv.reuse import keys
from mnemon.kv.reuse.arriving import arriving
from mnemon.kv.reuse.ledger import Trusting
from mnemon.kv.reuse.prefix import Begun, PrefixCache
from mnemon.kv.reuse.seeding import seeded
from mnemon.kv.tiers import CostModel, Tiers
from reuse.machine import fresh_peak, peak, seconds


@dataclass
class Context:
    """A prompt of `tokens` tokens and a question behind it.

    Attributes:
        block: tokens of a blob. folder: where they lie on disk.
        costs: loads are measured by it and never left out.
    """

    model: LlamaForCausalLM
    tokens: int
    question: int
    block: int
    folder: Path
    costs: CostModel = field(default_factory=lambda: CostModel(skips=False))

    def __post_init__(self) -> None:
        torch.manual_seed(self.tokens)
        most = self.model.config.vocab_size
        self.ids = torch.randint(0, most, (self.tokens + 4096,)).tolist()
        self.ledger = Trusting()

    def prompt(self, question: int | None = None) -> list[int]:
        return self.ids[: self.tokens + (question or self.question)]

    def tiers(self, host: str = "40GB") -> Tiers:
        """As a new process would open them: nothing is in memory."""
        return Tiers(
            host=host, device=str(self.model.device), disk=self.folder, disk_bytes="50GB",
            costs=self.costs,
        )  # fmt: skip

    def prefixes(self, tiers: Tiers) -> PrefixCache:
        return PrefixCache(self.model, tiers=tiers, ledger=self.ledger, size=self.block)

    @torch.inference_mode()
    def compute(self) -> KVCache:
        """The whole prompt, in one pass."""
        cache = seeded(self.model, None)
        self.go_on(cache, self.prompt())
        return cache

    @torch.inference_mode()
    def go_on(self, cache: KVCache, tokens: list[int]) -> int:
        ids = torch.tensor([tokens], device=self.model.device)
        return int(seam.forward(self.model, ids, cache, logits_to_keep=1)[0, -1].argmax())

    @torch.inference_mode()
    def begin(self, prefixes: PrefixCache, question: int | None = None) -> Begun:
        begun = prefixes.begin(self.prompt(question))
        assert begun.reused == self.tokens, f"{begun.reused} of {self.tokens} tokens were kept"
        return begun

    @torch.inference_mode()
    def first(self, prefixes: PrefixCache, question: int | None = None) -> int:
        """The first token, of a prompt whose beginning is kept: all loaded, then computed."""
        begun = self.begin(prefixes, question)
        return self.go_on(begun.cache, self.prompt(question)[begun.reused :])

    @torch.inference_mode()
    def streamed(self, prefixes: PrefixCache, tiers: Tiers, question: int | None = None) -> int:
        """The same, layer by layer: what is loaded is used while the rest is."""
        prompt = self.prompt(question)
        chain = keys.chain(prefixes.root(), prompt[: self.tokens], self.block)
        fresh = self.ledger.fresh(chain)
        streams = [one for one in (tiers.stream(key) for key in chain if key in fresh) if one]
        assert len(streams) == len(chain), "not all of it was kept"
        return self.go_on(arriving(self.model, streams), prompt[self.tokens :])

    def keep(self, tiers: Tiers) -> dict[str, float]:
        """Compute it and put it into the tiers; what that took."""
        fresh_peak()
        began = time.perf_counter()
        cache = self.compute()
        once = time.perf_counter() - began
        result = {
            "prefill_peak_gb": peak(),
            "kv_gb": cache.nbytes / cache.slots * self.tokens / 1e9,
        }
        prefixes = self.prefixes(tiers)
        result["fingerprint_s"] = seconds(prefixes.root)
        result["root_again_s"] = seconds(prefixes.root)
        began = time.perf_counter()
        with torch.inference_mode():
            prefixes.publish(cache, self.prompt()[: self.tokens], seconds=once)
        result["put_s"] = time.perf_counter() - began
        tiers.flush()
        return result | {"durable_s": time.perf_counter() - began}
