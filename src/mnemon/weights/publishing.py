"""Adapters as folders in peft's layout, named by their content; a name points at a set of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.errors import InvalidInput
from mnemon.weights.consolidation import adapters, bases
from mnemon.weights.promotion.alias import CURRENT, check, history, standing

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.memory import Memory


def publish(
    memory: Memory, model: Any, tokenizer: Any, folder: Path, name: str, *, alias: str = CURRENT
) -> str:  # fmt: skip
    """Write a namespace's fresh adapters for a model below a folder; the digest of the set.

    Those that the alias promotes; all of them if there is no such alias.

    `adapters/<key>/` has `adapter_config.json`, `adapter_model.safetensors` and `manifest.json`,
    and is never changed; `sets/<digest>.json` lists keys; `names/<name>` holds a set's digest and
    is moved last, at once. Copies out of the store do not follow a later `forget`: publish again
    and delete what no name points at.

    Raises:
        InvalidInput: no adapters for this model, or a name with other than letters, digits, - or _.
    """
    check(name)
    base = bases(model, tokenizer)["model"]
    line = standing(history(memory, alias, base))
    found = [one for one in adapters(memory, base) if line is None or one.key in line.members]
    if not found:
        raise InvalidInput(
            "there are no adapters for this model, or none is promoted: consolidate first"
        )
    for one in found:
        _write(folder / "adapters" / one.key, memory.artifacts.open(one.key))
    told = json.dumps(sorted(one.key for one in found))
    digest = hashlib.sha256(told.encode()).hexdigest()
    _place(folder / "sets" / f"{digest}.json", told.encode())
    _place(folder / "names" / name, digest.encode())
    return digest


def _write(folder: Path, one: Artifact) -> None:
    manifest = {
        "key": one.key, "method": one.method, "sources": one.sources,
        "options": one.header["options"], "base": one.header["base"],
        "role": one.header["options"]["role"], "subjects": one.header["subjects"],
        "figures": one.header["figures"], "sha256": hashlib.sha256(one.payload or b"").hexdigest(),
    }  # fmt: skip
    _place(folder / "adapter_model.safetensors", one.payload or b"")
    _place(folder / "adapter_config.json", _json(one.header["adapter_config"]))
    _place(folder / "manifest.json", _json(manifest))


def _json(told: Any) -> bytes:
    return (json.dumps(told, indent=1, sort_keys=True) + "\n").encode()


def _place(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
