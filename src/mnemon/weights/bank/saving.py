"""A bank as a folder: its tensors, and a manifest that binds them to the exact base."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import safetensors.torch
import torch
from safetensors import safe_open
from torch import nn

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.weights.bank.canonical import canonical
from mnemon.weights.bank.offloading import Offloaded, mapped, offloaded
from mnemon.weights.bank.seam import has_memory
from mnemon.weights.consolidation import bases
from mnemon.weights.layer import Bank, Given, Layer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SLOT, TENSORS, MANIFEST = "weights.layer", "memory.safetensors", "manifest.json"


def given(
    model: PreTrainedModel, tokenizer: Any = None, documents: Sequence[Sequence[int]] = ()
) -> Given:
    """What a bank for this model is built for.

    Args:
        tokenizer: says which tokens are read as one; each is read as itself without.
        documents: token ids of texts like those that it will be trained on.
    """
    config = seam.text_config(model)
    read = None if tokenizer is None else canonical(tokenizer, config.vocab_size)
    return Given(
        config.hidden_size, config.num_hidden_layers, config.vocab_size, read, tuple(documents)
    )


def save(
    bank: Bank, method: Layer, model: PreTrainedModel, tokenizer: Any, folder: Path,
    figures: Mapping[str, float] | None = None,
) -> str:  # fmt: skip
    """Write `memory.safetensors` and, last, `manifest.json`; the digest of the tensors.

    Args:
        method: that built it. model: the base as it is now; a trained one is saved by itself.
        figures: of the training, for the manifest.

    Raises:
        InvalidInput: a bank is attached (its base could not be told), or its tables are elsewhere.
    """
    told, manifest = packed(bank, method, model, tokenizer, figures)
    folder.mkdir(parents=True, exist_ok=True)
    _place(folder / TENSORS, told)
    _place(folder / MANIFEST, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    return str(manifest["sha256"])


def packed(
    bank: Bank, method: Layer, model: PreTrainedModel, tokenizer: Any,
    figures: Mapping[str, float] | None = None,
) -> tuple[bytes, dict[str, Any]]:  # fmt: skip
    """A bank's tensors as a safetensors file has them, and its manifest. Raises as `save` does."""
    _without(model)
    if any(offloaded(bank)):
        raise InvalidInput("tables that are elsewhere are not saved again: copy the folder")
    state = cast(nn.Module, bank).state_dict()
    told = safetensors.torch.save({n: t.detach().cpu().contiguous() for n, t in state.items()})
    manifest = {
        "method": methods.describe(method), "base": bases(model, tokenizer),
        "sha256": hashlib.sha256(told).hexdigest(),
        "tables": {name: list(state[f"tables.{name}.weight"].shape) for name in bank.tables},
        "figures": dict(figures or {}),
    }  # fmt: skip
    return told, manifest


def load(
    folder: Path, model: PreTrainedModel, tokenizer: Any, *, offload: bool = True
) -> Bank:  # fmt: skip
    """The bank of a folder, for its own base.

    Args:
        offload: tables stay in the file, a memory map, and only touched rows are read; else they
            are loaded, and can be trained.

    Raises:
        InvalidInput: no such folder, another base, or bytes that are not those that were saved.
    """
    _without(model)
    manifest = _manifest(folder)
    _check(folder, manifest, bases(model, tokenizer))
    bank = shaped(manifest, model)
    if offload:
        for name in bank.tables:
            source = mapped(folder / TENSORS, f"tables.{name}.weight")
            bank.tables[name] = Offloaded(source, bytes.fromhex(manifest["sha256"]))
    module = cast(nn.Module, bank)
    with safe_open(folder / TENSORS, "pt") as file:
        filled(module, {name: file.get_tensor(name) for name in module.state_dict()})
    return bank


def shaped(manifest: Mapping[str, Any], model: PreTrainedModel) -> Bank:
    """The bank of a manifest, without its tensors.

    Raises:
        InvalidInput: the model has a memory now.
    """
    _without(model)
    told = manifest["method"]
    # JSON has lists where options have tuples.
    options = {n: tuple(v) if isinstance(v, list) else v for n, v in told["options"].items()}
    method: Layer = methods.load(SLOT, told["name"], **options)
    with torch.device("meta"):
        return method.build(given(model))


def filled(module: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put tensors into a bank that was only shaped; they can be trained."""
    module.load_state_dict(dict(tensors), assign=True)
    for one in module.parameters():
        one.requires_grad_(True)


def _without(model: PreTrainedModel) -> None:
    if has_memory(model):
        raise InvalidInput("the model has a memory now: detach it, so that its base can be told")


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / MANIFEST
    if not file.is_file():
        raise InvalidInput(f"{folder} has no {MANIFEST}: name a folder that `save` wrote")
    told: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return told


def _check(folder: Path, manifest: dict[str, Any], base: dict[str, str]) -> None:
    if manifest["base"]["model"] != base["model"]:
        raise InvalidInput(
            f"the memory in {folder} was trained for another model or tokenizer "
            f"({manifest['base']['name']}): load that one"
        )
    with (folder / TENSORS).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != manifest["sha256"]:
        raise InvalidInput(f"{folder / TENSORS} is damaged: train or copy it again")


def _place(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
