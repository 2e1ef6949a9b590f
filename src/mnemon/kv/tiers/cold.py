"""The form in which cold blobs are stored: by a method of `kv.compress`, or as they are.

A method is chosen by its text, `kivi(bits=4)`. The last tokens that make no whole group of the
method stay as they are. What was stored so says so in its header, and a Tiers reads only what is
exact or is in the form that it writes itself: nobody gets an approximation who did not ask for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv.needs import Need
from mnemon.kv.policy import Policy
from mnemon.kv.stored import Stored
from mnemon.kv.tiers.blob import Blob
from mnemon.kv.view import LayerView

if TYPE_CHECKING:
    from torch import Tensor

MARK = "cold"
"""The entry of the header that tells the form, while a blob is in it."""
RESTORED = "quantized"
"""The entry that tells the form a blob was once in: its tensors are close to the exact ones."""


@dataclass(frozen=True)
class Cold:
    """A form of storage.

    Attributes:
        method: of `kv.compress`. name: what the header says of it: its name, version, options.
    """

    method: Any
    name: str

    @classmethod
    def of(cls, text: str) -> Cold:
        """Read such a text as `kivi(bits=4)`.

        Raises:
            InvalidInput: no such method, or not one that gives every token back by itself.
        """
        policy = Policy.of(text)
        method = policy.compress
        if Policy(compress=method) != policy or methods.describe(method)["name"] == "drop":
            raise InvalidInput(f"quantize={text!r}: name one kv.compress method, as kivi(bits=4)")
        wanted = ", ".join(sorted(method.needs - {Need.STORES}))  # a blob is its own first store
        if wanted:
            raise InvalidInput(
                f"quantize={text!r} needs {wanted}, which a stored blob has not: use kivi(bits=4)"
            )
        return cls(method, json.dumps(methods.describe(method), sort_keys=True))

    def stored(self, blob: Blob) -> Blob:
        """The blob in this form; itself if it is too short, or not of keys and values.

        Raises:
            InvalidInput: the method does not give every token back, in order.
        """
        layers = _layers(blob)
        whole = _tokens(blob) // self.method.group() * self.method.group()
        if not layers or not whole:
            return blob
        tensors = {n: t for n, t in blob.tensors.items() if not n.startswith(("keys.", "values."))}
        forms: list[dict[str, Any]] = []
        for layer in range(layers):
            keys, values = blob.tensors[f"keys.{layer}"], blob.tensors[f"values.{layer}"]
            made = self._made(keys, values, layer, layers, whole)
            forms.append({"codec": methods.describe(made.codec), "spans": dict(made.spans)})
            tensors |= {f"cold.{layer}.{name}": part for name, part in made.parts.items()}
            tensors |= {f"keys.{layer}": keys[:, whole:], f"values.{layer}": values[:, whole:]}
        told = {"method": self.name, "tokens": whole, "layers": forms}
        return Blob(blob.key, {**blob.header, MARK: told}, tensors)

    def check(self, blob: Blob) -> None:
        """Raise unless tensors such as those of a blob's first layer can be stored in this form.

        Raises:
            InvalidInput: their shape does not go, or the method does not give every token back.
        """
        first = ("keys.0", "values.0")
        group = self.method.group()
        few = Blob(
            blob.key, {}, {n: blob.tensors[n][:, :group] for n in first if n in blob.tensors}
        )
        told = self.stored(few)
        if MARK in told.header:
            self.layer(told.header[MARK], 0, told.tensors)

    def layer(
        self, told: Mapping[str, Any], layer: int, tensors: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Keys and values of a layer again, `[Hkv, T, D]` each."""
        rest = tensors[f"keys.{layer}"], tensors[f"values.{layer}"]
        heads, tokens = rest[0].shape[0], told["tokens"]
        form = told["layers"][layer]
        codec = methods.load(
            form["codec"]["slot"], form["codec"]["name"], **form["codec"]["options"]
        )
        parts = {name: tensors[f"cold.{layer}.{name}"] for name in form["spans"]}
        lengths = torch.full((1, heads), tokens)
        rows = Stored(codec, lengths, parts, form["spans"], rest[0].dtype, {}).read()
        if rows.bias is not None:
            raise InvalidInput(f"{self.name} lets one stand for several tokens: use kivi(bits=4)")
        keys = rows.keys.to(rest[0].dtype).reshape(heads, tokens, -1)
        values = rows.values.to(rest[1].dtype).reshape(heads, tokens, -1)
        return torch.cat([keys, rest[0]], 1), torch.cat([values, rest[1]], 1)

    def _made(self, keys: Tensor, values: Tensor, layer: int, layers: int, whole: int) -> Stored:
        heads, tokens, channels = keys.shape
        view = LayerView(
            layer, layers, layer, keys[None], values[None], window=tokens - whole, sinks=0,
            seen=tokens, scaling=channels**-0.5,
        )  # fmt: skip
        made = self.method.compress(view, torch.ones(1, heads, whole, dtype=torch.bool))
        if len(made) != 1 or not bool((made[0].lengths == whole).all()):
            raise InvalidInput(
                f"{self.name} does not store every token by itself: use kivi(bits=4)"
            )
        found: Stored = made[0]
        return found


def is_readable(header: Mapping[str, Any], form: Cold | None) -> bool:
    """Whether a blob with this header is exact, or in the form that is asked for."""
    return MARK not in header or (form is not None and header[MARK]["method"] == form.name)


def restored(blob: Blob, form: Cold | None) -> Blob:
    """The blob with keys and values in the model's precision; itself if it is exact."""
    told = blob.header.get(MARK)
    if told is None or form is None:
        return blob
    tensors = {n: t for n, t in blob.tensors.items() if not n.startswith("cold.")}
    for layer in range(len(told["layers"])):
        made = form.layer(told, layer, blob.tensors)
        tensors[f"keys.{layer}"], tensors[f"values.{layer}"] = made
    return Blob(blob.key, plain(blob.header), tensors)


def plain(header: Mapping[str, Any]) -> dict[str, Any]:
    """The header of the blob when keys and values are in the model's precision again."""
    told = {name: value for name, value in header.items() if name != MARK}
    return {**told, RESTORED: header[MARK]["method"]} if MARK in header else told


def _layers(blob: Blob) -> int:
    layers = 0
    while f"keys.{layers}" in blob.tensors:
        layers += 1
    return layers


def _tokens(blob: Blob) -> int:
    return int(blob.tensors["keys.0"].shape[1]) if "keys.0" in blob.tensors else 0
