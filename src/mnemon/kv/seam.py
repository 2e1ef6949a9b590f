"""The seam to transformers: everything that depends on its ways is in this file.

Two public interfaces are used and nothing else: the cache-layer class (`transformers.cache_utils`)
and the attention interface (`AttentionInterface`, `AttentionMaskInterface`). A forward pre-hook and
a forward hook of `torch.nn.Module` on the decoder say when a pass begins and ends. With any other
cache, or none, a model that was attached computes what sdpa computes.
"""

from __future__ import annotations

import inspect
import threading
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer
from transformers.masking_utils import eager_mask, sdpa_mask

from mnemon.errors import InvalidInput
from mnemon.kv.needs import Need
from mnemon.kv.projection import Projection
from mnemon.kv.rope import Rope

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.cache import KVCache

_PREFIX = "mnemon_"
_BASES = ("sdpa", "eager")
_attached: weakref.WeakKeyDictionary[nn.Module, str] = weakref.WeakKeyDictionary()
_watched: weakref.WeakSet[nn.Module] = weakref.WeakSet()
_pass = threading.local()
_signature = lru_cache(maxsize=32)(inspect.signature)  # looked at for each token


def attach(model: PreTrainedModel) -> None:
    """Route the model's attention through ours, over transformers' sdpa.

    Whatever the model was loaded with, it then computes by sdpa (by the plain formula if its
    logits are capped), with our caches, others or none; `model.set_attn_implementation(…)` takes
    that back until the next KVCache is made.

    Raises:
        InvalidInput: not a causal language model of transformers, or one with an attention of its
            own; the model is left as it was.
    """
    if not isinstance(model, PreTrainedModel) or not _is_causal(model):
        raise InvalidInput(
            f"a KVCache serves causal language models of transformers, not {type(model).__name__}"
        )
    known = model in _attached
    base = _attached[model] if known else _base_of(model)
    model.set_attn_implementation(_PREFIX + base)
    if not known:
        body = decoder(model)
        body.register_forward_pre_hook(_begin, with_kwargs=True)
        body.register_forward_hook(_end, with_kwargs=True, always_call=True)
        _attached[model] = base


def _is_causal(model: PreTrainedModel) -> bool:
    """Whether it has a decoder alone, in which each token sees what is before it and no more."""
    if model.get_decoder() is None or model.config.is_encoder_decoder:
        return False
    return all(getattr(one, "is_causal", True) for one in attention_modules(model).values())


def _base_of(model: PreTrainedModel) -> str:
    try:
        model.set_attn_implementation("sdpa")
    except ValueError:
        if getattr(text_config(model), "attn_logit_softcapping", None) is None:
            raise InvalidInput(
                f"{type(model).__name__} has no sdpa attention, and its own is not known here: its"
                " cache cannot be compressed"
            ) from None
        return "eager"
    return "sdpa"


def decoder(model: PreTrainedModel) -> nn.Module:
    """The stack of layers inside a causal language model."""
    body: nn.Module = model.get_decoder()
    # Some (Llama 4) name the whole model, with its head.
    return getattr(body, "model", body) if body is model else body


def decoder_layers(model: PreTrainedModel) -> list[nn.Module]:
    """Those layers, in order; empty if the decoder does not name them `layers`."""
    return list(getattr(decoder(model), "layers", []))


def text_config(model: PreTrainedModel) -> Any:
    """The configuration of the text decoder."""
    return model.config.get_text_config(decoder=True)


def attention_modules(model: PreTrainedModel) -> dict[int, nn.Module]:
    """The softmax-attention modules by layer number."""
    found = {}
    for module in decoder(model).modules():
        index = getattr(module, "layer_idx", None)
        if isinstance(index, int) and type(module).__name__.endswith("Attention"):
            found[index] = module
    return found


def native_layers(model: PreTrainedModel) -> list[Any]:
    """The cache layers that transformers itself would use for this model, one a layer."""
    return list(native_cache(model).layers)


def native_cache(model: PreTrainedModel) -> DynamicCache:
    """The cache that transformers itself would use for this model."""
    return DynamicCache(config=text_config(model))


def is_full(layer: Any) -> bool:
    """Whether a native layer is plain full attention: what policies compress."""
    return type(layer) is DynamicLayer


def native_tensors(layer: Any) -> list[Tensor]:
    """Every tensor that one of transformers' own cache layers holds."""
    found = [value for value in vars(layer).values() if isinstance(value, torch.Tensor)]
    for value in vars(layer).values():
        if isinstance(value, dict):
            found += [one for one in value.values() if isinstance(one, torch.Tensor)]
    return found


def output_weight(module: nn.Module, heads: int) -> Tensor:
    """The output projection by query head: `[Hq, Dv, d]`.

    Raises:
        InvalidInput: the module names its projection in a way that is not known here.
    """
    for name in ("o_proj", "out_proj", "dense"):
        projection = getattr(module, name, None)
        if isinstance(projection, nn.Linear):
            return projection.weight.t().unflatten(0, (heads, -1))
    raise InvalidInput(
        f"{type(module).__name__} has no output projection by a known name (o_proj, out_proj, "
        "dense): choose a policy that does not need it"
    )


def rope(model: PreTrainedModel, layer: int) -> Rope | None:
    """The rotary embedding of a layer, or None if the model has none that turns halves."""
    rotary = getattr(decoder(model), "rotary_emb", None)
    config = text_config(model)
    if rotary is None or config.model_type in _INTERLEAVED:
        return None
    kinds = getattr(config, "layer_types", None)
    own = getattr(rotary, "layer_types", None)

    def tables(positions: Tensor) -> tuple[Tensor, Tensor]:
        probe = positions.new_zeros((1,), dtype=torch.float32)  # angles are exact
        if own is not None and kinds is not None:
            return rotary(probe, positions, kinds[layer])
        return rotary(probe, positions)

    return Rope(tables)


def projection(model: PreTrainedModel, layer: int) -> Projection:
    """How a layer makes keys and values of its input.

    Raises:
        InvalidInput: the model makes them in a way that is not known here.
    """
    module, turn = attention_modules(model)[layer], rope(model, layer)
    key, value = (getattr(module, name, None) for name in ("k_proj", "v_proj"))
    plain = isinstance(key, nn.Linear) and isinstance(value, nn.Linear)
    if turn is None or not plain or hasattr(module, "v_norm"):
        raise InvalidInput(
            f"{type(module).__name__} does not make keys and values by k_proj, v_proj and a rotary "
            "embedding that is known here: choose a policy that stores keys and values themselves"
        )
    assert isinstance(key, nn.Linear) and isinstance(value, nn.Linear)
    width = int(getattr(module, "head_dim", 0))
    norm = getattr(module, "k_norm", None)
    scale = getattr(norm, "weight", None)
    size = scale.numel() if isinstance(scale, torch.Tensor) else width
    norm_all = size == key.out_features and size != width
    return Projection(key, value, key.out_features // width, turn, norm, norm_all)


_INTERLEAVED = {"glm", "glm4", "cohere", "cohere2", "gptj", "ernie4_5", "olmo", "llama4_text"}


def sdpa(*args: Any, **kwargs: Any) -> Tensor:
    """transformers' own scaled-dot-product attention: `[B, Q, Hq, Dv]`."""
    out: Tensor = AttentionInterface()["sdpa"](*args, **kwargs)[0]
    return out


def causal_mask(base: str, like: Tensor, queries: int, tokens: int, valid: Tensor | None) -> Any:
    """The mask transformers would make for the newest `queries` of `tokens`, or None.

    Args:
        base: `sdpa` or `eager`. like: a tensor of the batch, for size, precision and device.
        valid: `[B, tokens]` booleans, false where there is padding; None if there is none.
    """
    make = sdpa_mask if base == "sdpa" else eager_mask
    return make(
        batch_size=like.shape[0],
        q_length=queries,
        kv_length=tokens,
        q_offset=tokens - queries,
        kv_offset=0,
        attention_mask=valid,
        dtype=like.dtype,
        device=like.device,
    )


def forward(model: PreTrainedModel, ids: Tensor, cache: Cache, **kwargs: Any) -> Tensor:
    """One pass with a cache, under the name this version of transformers has for it: the logits."""
    given = with_cache(model, {"input_ids": ids, "use_cache": True, **kwargs}, cache)
    logits: Tensor = model(**given).logits
    return logits


def with_cache(model: PreTrainedModel, kwargs: dict[str, Any], cache: Cache) -> dict[str, Any]:
    """Arguments of a forward call with this cache in place of any other."""
    known = _signature(type(model).forward).parameters
    rest = {name: one for name, one in kwargs.items() if name not in ("cache", "past_key_values")}
    return {**rest, "cache" if "cache" in known else "past_key_values": cache}


def watch_inputs(model: PreTrainedModel) -> None:
    """Show each attention layer's input to the cache of the pass; done once a model."""
    for module in attention_modules(model).values():
        if module not in _watched:
            module.register_forward_pre_hook(_input, with_kwargs=True)
            _watched.add(module)


def current() -> KVCache | None:
    """The cache of the pass that this thread is in, if it is one of ours."""
    return getattr(_pass, "cache", None)


def cache_of(kwargs: dict[str, Any]) -> Any:
    """The cache among a forward call's arguments: its name changed in transformers 5.24."""
    return kwargs.get("cache", kwargs.get("past_key_values"))


def _begin(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    from mnemon.kv import passing
    from mnemon.kv.cache import KVCache

    cache = cache_of(kwargs)
    if isinstance(cache, KVCache):
        ids = kwargs.get("input_ids", args[0] if args else None)
        passing.begin(
            cache,
            module,
            kwargs["inputs_embeds"] if ids is None else ids,
            kwargs.get("attention_mask"),
            kwargs.get("position_ids"),
        )
        _pass.cache = cache


def _end(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
    from mnemon.kv import passing

    cache, _pass.cache = current(), None
    if cache is not None and cache_of(kwargs) is cache:
        if output is None:
            passing.abort(cache)  # the pass raised: what it appended is taken back
        else:
            passing.finish(cache, output[0])  # the last hidden state, in a tuple too


def _input(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    cache = current()
    if cache is not None and (layer := cache.layer_of(module)) is not None:
        hidden = kwargs.get("hidden_states", args[0] if args else None)
        if cache.compresses and Need.HIDDEN in cache.policy.needs and hidden is not None:
            layer.observe_input(hidden)


def _mask(base: Any) -> Any:
    def mask(*args: Any, **kwargs: Any) -> Any:
        # Our layers mask by themselves what they hold; others get what they would have got.
        if current() is not None and kwargs.get("local_size") is None:
            if kwargs.get("use_vmap"):
                raise InvalidInput("this input needs a mask that is not causal; use no KVCache")
            return None
        return base(*args, **kwargs)

    return mask


def _attention(base: str) -> Any:
    def attention(
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        **kwargs: Any,
    ) -> tuple[Tensor, None]:
        from mnemon.kv import attending, passing
        from mnemon.kv import attention as ours

        cache = current()
        if cache is None and (own := attending.current()) is not None:
            seen = attending.seen(attention_mask, query, key)
            return own(module, query, key, value, seen, kwargs.get("scaling")), None
        layer = None if cache is None else passing.read_by(cache, module, key, value)
        if layer is not None:
            return ours.over_layer(layer, module, query, base, **kwargs), None
        return ours.plain(module, query, key, value, attention_mask, base, **kwargs), None

    return attention


for _base in _BASES:
    AttentionInterface.register(_PREFIX + _base, _attention(_base))
    AttentionMaskInterface.register(
        _PREFIX + _base, _mask(sdpa_mask if _base == "sdpa" else eager_mask)
    )
