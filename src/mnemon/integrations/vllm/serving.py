"""What is served: everything beside the tokens that decides keys and values inside vLLM."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mnemon.errors import InvalidInput
from mnemon.integrations.vllm import weights
from mnemon.integrations.vllm.options import Options
from mnemon.integrations.vllm.truth import salt
from mnemon.kv.reuse import keys

_PLAIN = ("auto", "float16", "bfloat16", "float32")
_PASSING = ("transformers_version", "_name_or_path")


@dataclass(frozen=True)
class Served:
    """One worker's share of a model.

    Attributes:
        digest: SHA-256 in hex over `parts`.
        parts: weights, configuration, dtypes, and which of how many heads' shares it is.
    """

    digest: str
    parts: Mapping[str, Any]


def roots(config: Any, options: Options) -> tuple[str, ...]:
    """What the chains of every tensor-parallel rank begin with.

    Args:
        config: a `VllmConfig`.

    Raises:
        InvalidInput: what is served cannot be kept: the message says why.
    """
    _check(config, options)
    model, ranks = config.model_config, config.parallel_config.tensor_parallel_size
    name = options.weights or weights.named(model.model, model.revision)
    told = {key: one for key, one in model.hf_config.to_dict().items() if key not in _PASSING}
    shares = []
    for rank in range(ranks):
        parts = {
            "engine": "vllm", "weights": name, "config": told, "dtype": str(model.dtype),
            "quantization": getattr(model, "quantization", None),
            "kv_dtype": config.cache_config.cache_dtype, "rank": f"{rank}/{ranks}", "layout": 1,
        }  # fmt: skip
        canonical = json.dumps(parts, sort_keys=True, default=str)
        shares.append(Served(hashlib.sha256(canonical.encode()).hexdigest(), parts))
    return tuple(keys.root(one, salt(options)) for one in shares)


def _check(config: Any, options: Options) -> None:
    block = config.cache_config.block_size
    if options.size % block:
        raise InvalidInput(
            f"blocks of {options.size} tokens are no multiple of vLLM's {block}: give"
            f" kv_connector_extra_config a 'size' such as {block * max(1, 128 // block)}"
        )
    parallel = config.parallel_config
    if parallel.pipeline_parallel_size > 1:
        raise InvalidInput("MnemonConnector serves tensor parallelism, not pipeline parallelism")
    if getattr(parallel, "decode_context_parallel_size", 1) > 1:
        raise InvalidInput("MnemonConnector serves tensor parallelism, not context parallelism")
    if config.cache_config.cache_dtype not in _PLAIN:
        raise InvalidInput(
            f"a KV cache of {config.cache_config.cache_dtype} has scales of its own that are not"
            " kept: serve with --kv-cache-dtype auto"
        )
    if getattr(config.model_config, "use_mla", False):
        raise InvalidInput("models with multi-head latent attention keep no keys and values")
