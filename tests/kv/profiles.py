"""Head profiles of made-up heads, kept where the engine looks for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import PreTrainedModel

from mnemon.kv.profile import HeadProfile, fingerprint


def profile(layers: int, heads: int, name: str = "made up") -> HeadProfile:
    """A profile in which later layers, and in them later heads, see farther."""
    count = layers * heads
    rows = [tuple((i * heads + j + 1) / count for j in range(heads)) for i in range(layers)]
    return HeadProfile(name, tuple(rows), "made up")


def keep(model: PreTrainedModel, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save a made-up profile of the model in a cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    config = model.config
    profile(config.num_hidden_layers, config.num_key_value_heads, fingerprint(model)).save()
