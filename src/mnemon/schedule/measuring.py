"""What forms of a text cost with a model on this machine, measured."""

from __future__ import annotations

import os
import platform
import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon import methods
from mnemon.embedding import DEFAULT
from mnemon.errors import PlaceFailed
from mnemon.kv.tiers.costs import Speed
from mnemon.kv.tiers.places import place_of
from mnemon.models.extras import require
from mnemon.schedule.costs import Costs

if TYPE_CHECKING:
    from mnemon.kv.tiers.blob import Blob
    from mnemon.kv.tiers.places import Place

_SHORT, _LONG = 32, 512
"""Tokens of the two texts that tell the latency from the rate."""
_BATCH = 16
_TIMES = 5
_TRAINED = 4
"""Facts that are trained, to see how long one takes."""
_KEYS = {_SHORT: "0" * 64, _LONG: "1" * 64}
_KV = ("prefill", "batch", "token_bytes", "host", "disk", "write")


def measured(model: Any, machine: str | None = None) -> Costs:
    """Costs of keys and values of a causal language model here; takes some seconds.

    The host's copy is copied, as it is when a prompt is put together. What is read from disk was
    put out of the page cache where the system can do that.

    Raises:
        MissingExtra: torch or transformers is not installed.
    """
    for name in ("torch", "transformers"):
        require(name, name, "kv")
    blobs = {tokens: _blob(model, tokens) for tokens in _KEYS}
    with tempfile.TemporaryDirectory(prefix="mnemon-") as folder:
        disk = _Disk(Path(folder), blobs)
        return Costs(
            machine=machine or f"{platform.machine()}, {os.cpu_count()} cores, {model.dtype}",
            prefill=_speed(lambda tokens: _prefill(model, 1, tokens)),
            batch=_speed(lambda tokens: _prefill(model, _BATCH, tokens), each=_BATCH),
            token_bytes=token_bytes(model),
            host=_speed(lambda tokens: _copied(blobs[tokens]), blobs),
            write=_speed(disk.write, blobs),
            disk=_speed(disk.read, blobs, disk.forgotten),
            measured=_KV,
        )


def token_bytes(model: Any) -> int:
    """Bytes that keys and values of one token hold."""
    return _blob(model, _SHORT).nbytes // _SHORT


def with_weights(costs: Costs, model: Any, tokenizer: Any) -> Costs:
    """The same, with what training and wearing an adapter take; some facts are trained.

    Raises:
        MissingExtra: the extra `[weights]` is not installed.
        InvalidInput: a model that cannot be adapted.
    """
    for name in ("torch", "transformers", "safetensors", "peft"):
        require(name, name, "weights")
    from mnemon.weights import layout
    from mnemon.weights.ask import own
    from mnemon.weights.lesson import Lesson, pairs

    writer = methods.load("weights.write", "lora")
    lessons = [
        Lesson(f"thing {n}", f"what is the code for thing {n}", f"{n}", f"the code of {n} is", " .")
        for n in range(_TRAINED)
    ]
    put = own(tokenizer).form
    taught = [pair for one in lessons for pair in pairs(one, tokenizer, put)]
    began = time.perf_counter()
    (written,) = writer.write(model, [taught])
    training = (time.perf_counter() - began) / _TRAINED
    payload, like = layout.to_bytes(written.tensors), next(model.parameters())
    worn = min(_timed(lambda: layout.deltas(payload, 1.0, like)) for _ in range(_TIMES))
    return replace(
        costs, training=training, adapter_bytes=len(payload),
        swap=Speed(0.0, len(payload) / max(worn, 1e-9)),
        measured=(*costs.measured, "training", "adapter_bytes", "swap"),
    )  # fmt: skip


def with_remote(costs: Costs, model: Any, address: str) -> Costs:
    """The same, with what loading from a remote place takes: some blobs are put there, read, and
    removed again.

    Raises:
        PlaceFailed: the place cannot be reached, or loses what is put there.
    """
    from mnemon.kv.tiers.blob import encode

    blobs = {tokens: _blob(model, tokens) for tokens in _KEYS}
    keys = {tokens: secrets.token_hex(32) for tokens in _KEYS}  # what lies there stays as it is
    with closing(place_of(address)) as place:
        try:
            for tokens, key in keys.items():
                place.write(key, encode(replace(blobs[tokens], key=key)))
            speed = _speed(lambda tokens: _read(place, keys[tokens]), blobs)
        finally:
            place.delete(keys.values())
    return replace(costs, remote=speed, measured=(*costs.measured, "remote"))


def with_embedding(costs: Costs) -> Costs:
    """The same, with what the bundled embedder takes."""
    embedder = methods.load("models.embed", DEFAULT)
    texts = [f"On day {n} we spoke of the garden, the kitchen and the plumber." for n in range(64)]
    embedder.embed(texts[:1])
    seconds = min(_timed(lambda: embedder.embed(texts)) for _ in range(_TIMES)) / len(texts)
    return replace(
        costs, embedding=seconds, vector_bytes=embedder.dimension + 4,
        measured=(*costs.measured, "embedding", "vector_bytes"),
    )  # fmt: skip


def _timed(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _speed(
    run: Callable[[int], Any],
    blobs: dict[int, Blob] | None = None,
    before: Callable[[int], None] = lambda tokens: None,
    each: int = 1,
) -> Speed:
    """From the least times of the short and the long text (others use the machine too)."""
    short, long = (_seconds(run, before, tokens) / each for tokens in (_SHORT, _LONG))
    sizes = (_SHORT, _LONG) if blobs is None else (blobs[_SHORT].nbytes, blobs[_LONG].nbytes)
    rate = (sizes[1] - sizes[0]) / max(long - short, 1e-9)
    return Speed(max(0.0, short - sizes[0] / rate), rate)


def _seconds(run: Callable[[int], Any], before: Callable[[int], None], tokens: int) -> float:
    found = []
    for _ in range(_TIMES + 1):  # the first one also makes buffers
        before(tokens)
        began = time.perf_counter()
        run(tokens)
        found.append(time.perf_counter() - began)
    return min(found[1:])


def _prefill(model: Any, texts: int, tokens: int) -> Any:
    import torch

    from mnemon.kv import seam
    from mnemon.kv.cache import KVCache

    cache = KVCache(model)
    ids = torch.arange(texts * tokens).reshape(texts, tokens) % model.config.vocab_size
    with torch.inference_mode():
        seam.forward(model, ids, cache, logits_to_keep=1)
    return cache


def _blob(model: Any, tokens: int) -> Blob:
    import torch

    from mnemon.kv.reuse.packing import blob_of
    from mnemon.kv.reuse.seeding import taken

    ids = torch.arange(tokens) % model.config.vocab_size
    return blob_of(taken(_prefill(model, 1, tokens), ids, 0, tokens), _KEYS[tokens])


def _copied(blob: Blob) -> Any:
    return [one.clone() for one in blob.tensors.values()]


def _read(place: Place, key: str) -> Blob:
    """A blob from a place, as the tiers read it."""
    from mnemon.kv.tiers.blob import decode

    file = place.open(key)
    if file is None:
        raise PlaceFailed("the place lost the blob that was just written there")
    with file:
        room = bytearray(file.size)
        file.into(0, memoryview(room))
    return decode(room, key)


@dataclass(frozen=True)
class _Disk:
    """Blobs written to, and read from, a folder as the disk tier does."""

    folder: Path
    blobs: dict[int, Blob]

    def write(self, tokens: int) -> None:
        from mnemon.kv.tiers.blob import encode
        from mnemon.kv.tiers.places.folder import Folder

        Folder(self.folder).write(_KEYS[tokens], encode(self.blobs[tokens]))

    def read(self, tokens: int) -> Blob:
        from mnemon.kv.tiers.places.folder import Folder

        return _read(Folder(self.folder), _KEYS[tokens])

    def forgotten(self, tokens: int) -> None:
        """Put the file out of the page cache."""
        if hasattr(os, "posix_fadvise"):
            for file in self.folder.rglob(f"{_KEYS[tokens]}*"):
                handle = os.open(file, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)
