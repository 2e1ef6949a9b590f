"""The KV cache of one generation: drop-in for transformers, bounded by a budget."""

from __future__ import annotations

import copy
import weakref
from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import Cache

from mnemon.errors import InvalidInput
from mnemon.kv import checks, packed, seam
from mnemon.kv.budget import Budget
from mnemon.kv.layer import KVLayer, share
from mnemon.kv.needs import Need
from mnemon.kv.offload import Offload
from mnemon.kv.plan import token_bytes
from mnemon.kv.policy import Policy
from mnemon.kv.seen import check_going_on

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

    from mnemon.kv.passing import Passing
    from mnemon.kv.profile import HeadProfile
    from mnemon.kv.projection import Projection


class KVCache(Cache):
    """A KV cache that compresses itself under a policy and a budget.

    Pass it wherever transformers takes a cache: `generate(past_key_values=…)` or a plain call. The
    first call with several tokens is compressed when it ends; later tokens are, block by block.

    Attributes:
        policy: the policy. budget: the budget, for each sequence.
        slots: tokens given so far, padding included; real: without it, by sequence.
        valid, positions, surprisal, rounds: of the tail's tokens, `[B, W]`.
        started: which sequences have been compressed; fresh: real tokens since then.
        seen: a number for the text seen, by sequence (`seen.folded`); None: not known.
        answered: whether the last pass was of a single token: a longer text is told with `go_on`.
        elsewhere: what is kept elsewhere, if the policy retrieves, else None.
        apart: whether it has seen tokens that are in no layer's stores or tail (`reuse.relay`).
    """

    apart = False

    def __init__(
        self,
        model: PreTrainedModel,
        policy: Policy | str | dict[str, Any] = "auto",
        budget: Budget | float | int | str = 1.0,
        *,
        profile: HeadProfile | None = None,
    ) -> None:
        """Make an empty cache for one model.

        Args:
            model: a causal language model of transformers.
            policy: a `Policy`, a text such as `"snapkv + kivi(bits=4)"`, or `"auto"`: what the
                bench found best at that budget.
            budget: a fraction of the full cache's bytes (`0.25`), tokens (`1024`) or bytes
                (`"512MB"`), for each sequence.
            profile: the model's head profile, for policies that need one; by default the one that
                was shipped or saved (`measure_heads`).

        Raises:
            InvalidInput: the model, policy and budget do not go together.
        """
        seam.attach(model)
        layers = [
            KVLayer(self, index) if seam.is_full(layer) else layer
            for index, layer in enumerate(seam.native_layers(model))
        ]
        super().__init__(layers=layers)
        self._model = weakref.ref(model)
        self._body = weakref.ref(seam.decoder(model))
        self.budget = Budget.of(budget)
        self.policy = checks.settle(policy, self.budget, model, profile)
        self.modules = {
            index: module
            for index, module in seam.attention_modules(model).items()
            if index < len(layers) and isinstance(layers[index], KVLayer)
        }
        self.profile = checks.supplied(self.policy, self.budget, model, list(self.modules), profile)
        if Need.HIDDEN in self.policy.needs:
            seam.watch_inputs(model)
        self._projections: dict[int, Projection] = {}
        self._begin()

    def _begin(self) -> None:
        self.slots = 0
        self.valid: Tensor | None = None
        self.positions: Tensor | None = None
        self.real: Tensor | None = None
        self.started = torch.zeros(0, dtype=torch.bool)
        self.fresh = torch.zeros(0, dtype=torch.int64)
        self.seen: Tensor | None = None
        self.answered = self.spoken = False
        self.surprisal: Tensor | None = None
        self.rounds: Tensor | None = None
        self.newest: Tensor | None = None
        self.passing: Passing | None = None
        self.elsewhere = None if self.policy.retrieve is None else Offload(self)

    @property
    def model(self) -> PreTrainedModel:
        """The model the cache was made for.

        Raises:
            InvalidInput: it is gone.
        """
        model = self._model()
        if model is None:
            raise InvalidInput("the model that this KVCache was made for no longer exists")
        return model

    @property
    def body(self) -> nn.Module | None:
        """The decoder of that model."""
        return self._body()

    @property
    def compressed(self) -> list[KVLayer]:
        """The layers that the policy compresses: full attention. Others bound themselves."""
        return [layer for layer in self.layers if isinstance(layer, KVLayer)]

    @property
    def compresses(self) -> bool:
        """Whether anything will ever be dropped or encoded: not at budget 1.0."""
        return self.budget.unit != "fraction" or self.budget.amount < 1

    @property
    def nbytes(self) -> int:
        """Bytes that all its tensors hold: stores, tails, scales, positions, other layers' too."""
        notes = (self.valid, self.positions, self.seen, self.surprisal, self.newest, self.rounds)
        own = [one for one in notes if one is not None]
        if self.elsewhere is not None:
            own += self.elsewhere.tensors()
        for layer in self.layers:
            own += layer.tensors() if isinstance(layer, KVLayer) else seam.native_tensors(layer)
        return packed.storage_bytes(own)

    @property
    def offloaded_nbytes(self) -> int:
        """Bytes in the slower place, if the policy retrieves; they are not in `nbytes`."""
        return 0 if self.elsewhere is None else self.elsewhere.nbytes

    @property
    def fetched_nbytes(self) -> int:
        """Bytes that were fetched from the slower place so far."""
        return 0 if self.elsewhere is None else self.elsewhere.fetched_nbytes

    @property
    def fetches(self) -> int:
        """How often something was fetched, counted layer by layer and step by step."""
        return 0 if self.elsewhere is None else self.elsewhere.fetches

    @property
    def full_nbytes(self) -> int:
        """Bytes that a full cache would hold: keys and values of all real tokens seen."""
        seen = 0 if self.real is None else int(self.real.sum())
        others = [
            one
            for layer in self.layers
            if not isinstance(layer, KVLayer)
            for one in seam.native_tensors(layer)
        ]
        return seen * token_bytes(self.compressed) + packed.storage_bytes(others)

    def lengths(self) -> Tensor:
        """Tokens held by each sequence, layer and head: `[B, L, Hkv]`, tails included."""
        held = [layer.stored_lengths() + self.waiting()[:, None] for layer in self.compressed]
        return torch.stack(held, 1)

    def waiting(self) -> Tensor:
        """Real tokens in the tail of each sequence, `[B]`."""
        if self.valid is not None:
            return self.valid.sum(1).cpu()
        tail = 0 if self.positions is None else self.positions.shape[1]
        return torch.full((len(self.started),), tail)

    def scaling(self, index: int) -> float:
        """What layer `index` multiplies queries times keys by."""
        module = self.modules[index]
        scaling = getattr(module, "scaling", None)
        if scaling is None:
            layer = self.layers[index]
            scaling = layer.held[0].shape[-1] ** -0.5 if isinstance(layer, KVLayer) else 1.0
        return float(scaling)

    def output_weight(self, index: int) -> Tensor:
        """The output projection of layer `index` by query head: `[Hq, Dv, d]`."""
        module = self.modules[index]
        return seam.output_weight(module, seam.text_config(self.model).num_attention_heads)

    def projection(self, index: int) -> Projection:
        """How layer `index` makes keys and values of its input; made once, so that it compares."""
        if index not in self._projections:
            self._projections[index] = seam.projection(self.model, index)
        return self._projections[index]

    def tail_padding(self) -> Tensor | None:
        """`[B, W]` booleans, false where the tails hold padding; None if none do."""
        now = self.passing
        if self.valid is None and (now is None or now.valid is None):
            return None
        if now is None:
            return self.valid
        old = self.valid
        if old is None:
            held = 0 if self.positions is None else self.positions.shape[1]
            old = torch.ones(now.positions.shape[0], held, dtype=torch.bool)
            old = old.to(now.positions.device)
        new = torch.ones_like(now.positions, dtype=torch.bool) if now.valid is None else now.valid
        return torch.cat([old, new], 1)

    def padding_of(self, mask: Tensor | None, batch: int, count: int) -> Tensor | None:
        """Which of `count` new tokens a mask `[B, slots + count]` says are real; None if all.

        Raises:
            InvalidInput: a mask that does not fit, or padding on the right.
        """
        return checks.padding(mask, batch, count, self.slots, self.real)

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Take new tokens `[B, Hkv, Q, D]` of a layer in; what the model is to attend to."""
        given = super().update(key_states, value_states, layer_idx, *args, **kwargs)
        if self.passing is not None:
            self.passing.given[layer_idx] = given
        return given

    def layer_of(self, module: nn.Module) -> KVLayer | None:
        """The layer behind an attention module, if the policy compresses it."""
        index = getattr(module, "layer_idx", -1)
        if self.modules.get(index) is not module:
            return None
        self.spoken = True
        layer = self.layers[index]
        return layer if isinstance(layer, KVLayer) else None

    def require_pass(self) -> None:
        """Raise unless the cache's own model is in a forward pass.

        Raises:
            InvalidInput: another model uses the cache.
        """
        if self.passing is None:
            raise InvalidInput(
                "this KVCache was made for another model (or its attention was changed since): "
                "make a KVCache(model) for the model that you call"
            )

    def go_on(self, tokens: Tensor | None = None) -> None:
        """Let `generate` go on with a cache that has answered: the next turn.

        `generate` hands a cache only what is new, so that a text with another beginning cannot be
        told from the next turn; it is refused unless this was called. A call of the model with new
        tokens, and neither mask nor positions, means what comes next and needs it not.

        Args:
            tokens: ids of the whole text, `[B, N]`, that `generate` will be given: they are
                compared with what was seen (not if that was embeddings, or tokens were taken
                back). None: you know that they begin with it.

        Raises:
            InvalidInput: the text begins otherwise, or has nothing new.
        """
        if tokens is not None:
            check_going_on(self, tokens)
        self.answered = False

    def __deepcopy__(self, memo: dict[int, Any]) -> KVCache:
        """A cache of its own for the same model: each copy can be asked something else."""
        for shared in (*self.modules.values(), *self._projections.values()):
            memo[id(shared)] = shared
        made = copy.copy(self)
        memo[id(self)] = made
        vars(made).update(copy.deepcopy(vars(self), memo))
        return made

    def reset(self) -> None:
        """Forget everything: the cache is as new."""
        super().reset()
        self._begin()

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Reorder the sequences, as beam search does."""
        before = [layer.stores for layer in self.compressed]
        super().reorder_cache(beam_idx)  # type: ignore[arg-type]
        share(self.compressed, before)
        self._pick(beam_idx)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep the sequences `indices`, in that order."""
        before = [layer.stores for layer in self.compressed]
        super().batch_select_indices(indices)
        share(self.compressed, before)
        self._pick(indices)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat each sequence."""
        before = [layer.stores for layer in self.compressed]
        super().batch_repeat_interleave(repeats)
        share(self.compressed, before)
        if self.real is not None:
            self._pick(torch.arange(len(self.real)).repeat_interleave(repeats))

    def crop(self, tokens_to_remove: int) -> None:
        """Take back the newest tokens (a negative number)."""
        count = abs(tokens_to_remove)
        super().crop(-count)
        if count and self.positions is not None and self.real is not None:
            self.positions = self.positions[:, :-count].clone()
            self.valid = None if self.valid is None else self.valid[:, :-count]
            self.surprisal = None if self.surprisal is None else self.surprisal[:, :-count]
            self.rounds = None if self.rounds is None else self.rounds[:, :-count]
            self.seen = self.newest = None
            self.answered = False
            # What stood in the window when the cache was last compressed is not among the fresh.
            self.real, self.fresh = self.real - count, (self.fresh - count).clamp_min(0)
            self.slots -= count

    def _pick(self, indices: Tensor) -> None:
        if self.elsewhere is not None:
            self.elsewhere.pick(indices)
        told = ("real", "started", "fresh", "seen")
        for name in (*told, "valid", "positions", "surprisal", "newest", "rounds"):
            held = getattr(self, name)
            if held is not None:
                setattr(self, name, held[indices.to(held.device)])
