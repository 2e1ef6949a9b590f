"""The parts of the bench, one after the other, on one model."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mnemon.bench import provenance
from mnemon.bench.latent.section import Row, Setting
from mnemon.errors import InvalidInput, UnknownName
from mnemon.methods import nearest
from mnemon.models import recall_lm
from mnemon.models.extras import require

SECTIONS: Mapping[str, str] = {
    "larimar": "mnemon.bench.latent.larimar",
    "ntk-attention": "mnemon.bench.latent.ntk_attention",
    "pool": "mnemon.bench.latent.pool",
}
"""Names of parts, and the modules that have a function `rows` for them."""


@dataclass(frozen=True, slots=True)
class LatentRun:
    """One run: the rows of each part by its name, and where they come from."""

    sections: Mapping[str, tuple[Row, ...]]
    context: Mapping[str, Any]
    origin: provenance.Origin


def run_latent(
    only: Sequence[str] | None = None, *, nano: bool = True, seed: int = 0, brief: bool = False,
    long: bool = False, device: str = "cpu", command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> LatentRun:  # fmt: skip
    """Measure latent memories.

    Args:
        only: names of parts; all if None.
        nano: the small sibling of the bundled model instead of the model itself.
        brief: the smallest run that shows that it works. long: the longer training of pools.
        device: where the part `pool` trains; all else runs on the CPU.
        progress: called with (done, in all), in parts.

    Raises:
        UnknownName: no such part. InvalidInput: another device for another part.
        MissingExtra: the extra `[weights]` is not installed.
    """
    names = list(SECTIONS if only is None else only)
    for name in names:
        if name not in SECTIONS:
            raise UnknownName(
                f"no part of this bench is called {name!r}: {nearest(name, [*SECTIONS])}"
            )
    if device != "cpu" and names != ["pool"]:
        raise InvalidInput(f"device={device!r}: only the part `pool` trains there, by itself")
    for package in ("torch", "transformers", "safetensors"):
        require(package, package, "weights")
    began = datetime.now(UTC).isoformat(timespec="seconds")
    model, tokenizer = recall_lm.load(nano=nano)
    setting = Setting(model, tokenizer, "nano" if nano else "recall-lm", seed, brief, long, device)
    found = {}
    for done, name in enumerate(names):
        if progress is not None:
            progress(done, len(names))
        found[name] = tuple(importlib.import_module(SECTIONS[name]).rows(setting))
    if progress is not None:
        progress(len(names), len(names))
    origin = provenance.Origin({}, provenance.code(), command, provenance.machine(), began, seed)
    return LatentRun(found, _context(setting), origin)


def _context(setting: Setting) -> dict[str, Any]:
    torch, transformers = (require(name, name, "weights") for name in ("torch", "transformers"))
    return {
        "model": setting.name, "brief": setting.brief, "long": setting.long,
        "device": _device(setting.device), "torch": torch.__version__,
        "transformers": transformers.__version__, "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }  # fmt: skip


def _device(name: str) -> str:
    """As the card calls itself."""
    torch = require("torch", "torch", "weights")
    cuda = torch.device(name).type == "cuda"
    return str(torch.cuda.get_device_name(name)) if cuda else name
