"""Which heads of a model look far back: measured once, kept by the model's fingerprint.

A key-value head is far-sighted if answers get worse when it may only see the sinks and the newest
tokens. Most heads are not, and need no long cache at all. The order is found by elimination: the
heads that are missed least are cut first, a third of those left at a time, so that a head which
another one could replace is still seen to matter once the other is gone.

DuoAttention (Xiao et al., ICLR 2025, https://arxiv.org/abs/2410.10819) learns such gates by
gradient descent, CompressKV and Tangram calibrate them on samples; ours needs forward passes only.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from transformers import PreTrainedModel


GENERIC = "random tokens that repeat"
"""What a profile is measured on where no cases are given: enough for bits, not for dropping."""


@dataclass(frozen=True)
class HeadProfile:
    """How much each key-value head is needed for what lies far back.

    Attributes:
        fingerprint: of the model it was measured on.
        weights: `[L][Hkv]` over the full-attention layers: 1 for the head cut last, and down to
            1 / (L * Hkv) for the one cut first.
        measured: what on: the cases, in words.
    """

    fingerprint: str
    weights: tuple[tuple[float, ...], ...]
    measured: str

    def save(self, path: Path | None = None) -> Path:
        """Write it where `profile_of` finds it (the user's cache folder by default)."""
        where = path or _folder() / f"{self.fingerprint}.json"
        where.parent.mkdir(parents=True, exist_ok=True)
        part = where.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")
        part.replace(where)
        return where

    @classmethod
    def read(cls, text: str) -> HeadProfile:
        """The profile that `save` wrote."""
        told = json.loads(text)
        weights = tuple(tuple(row) for row in told["weights"])
        return cls(told["fingerprint"], weights, told["measured"])


def fingerprint(model: PreTrainedModel) -> str:
    """Tells models apart by shape and a sample of every weight: 32 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.named_parameters()):
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        flat = weight.detach().reshape(-1)
        picked = flat[:: max(1, flat.numel() // 64)][:64]
        digest.update(picked.to("cpu", torch.bfloat16).view(torch.int16).numpy().tobytes())
    return digest.hexdigest()[:32]


def find(model: PreTrainedModel) -> HeadProfile | None:
    """The profile of a model, measured here earlier or else shipped; None if there is none."""
    name = f"{fingerprint(model)}.json"
    for place in (_folder() / name, files("mnemon.kv") / "profiles" / name):
        if place.is_file():
            return HeadProfile.read(place.read_text("utf-8"))
    return None


def profile_of(model: PreTrainedModel) -> HeadProfile:
    """The profile of a model.

    Raises:
        InvalidInput: it was never measured; the message says how to.
    """
    found = find(model)
    if found is None:
        raise InvalidInput(
            "this policy needs the model's head profile, and there is none yet: run once "
            "`from mnemon.kv import measure_heads; measure_heads(model).save()`"
        )
    return found


def _folder() -> Path:
    return Path(platformdirs.user_cache_dir("mnemon")) / "kv-profiles"
