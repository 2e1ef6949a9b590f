"""What forms of a text cost: to compute, to hold, to write, to load."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mnemon.kv.tiers.costs import Speed

Number = TypeVar("Number", float, NDArray[np.float64])


@dataclass(frozen=True)
class Costs:
    """Plain numbers of one model on one machine.

    The defaults are the bundled recall model's, as `mnemon bench schedule --measure` and `mnemon
    schedule --measure` measure them; `remote` is a guess until a
    place is measured.

    Attributes:
        machine: where they were measured.
        prefill: computing a text while someone waits: seconds before the first token, and tokens
            a second after it.
        batch: the same for each text of a batch in the background.
        token_bytes: that one token's keys and values hold.
        host, disk, remote: loading from there.
        write: to the disk.
        recomputed: the share of a text that is computed again when it is blended into a prompt.
        swap: putting on an adapter, by its bytes. adapter_bytes: of one shard.
        training: background seconds a fact.
        embedding: background seconds a text. vector_bytes: of one text's vector.
        measured: the names of those that were measured on the machine at hand.
    """

    machine: str = "AMD EPYC, 2 cores (busy), one thread, float32"
    prefill: Speed = field(default=Speed(0.0202, 2110.0))
    batch: Speed = field(default=Speed(0.0, 1533.0))
    token_bytes: int = 16_388
    host: Speed = field(default=Speed(1.2e-5, 7.84e9))
    disk: Speed = field(default=Speed(7.9e-4, 3.93e8))
    write: Speed = field(default=Speed(9.65e-3, 2.04e8))
    recomputed: float = 0.15
    remote: Speed = field(default=Speed(2e-3, 1e8))
    swap: Speed = field(default=Speed(0.0, 1.2e8))
    adapter_bytes: int = 87_488
    training: float = 0.26
    embedding: float = 2.7e-4
    vector_bytes: int = 260
    measured: tuple[str, ...] = ()

    def held(self, tokens: Number) -> Number:
        """Bytes."""
        return tokens * self.token_bytes

    def computing(self, tokens: Number) -> Number:
        """Seconds waited for a text that is nowhere."""
        return _seconds(self.prefill, tokens)

    def computing_ahead(self, tokens: Number) -> Number:
        """Seconds in the background."""
        return _seconds(self.batch, tokens)

    def from_host(self, tokens: Number) -> Number:
        """Seconds waited for a text in the host's memory."""
        return self._loading(self.host, tokens)

    def from_disk(self, tokens: Number) -> Number:
        """Seconds waited for a text on disk."""
        return self._loading(self.disk, tokens)

    def from_remote(self, tokens: Number) -> Number:
        """Seconds waited for a text in a remote store."""
        return self._loading(self.remote, tokens)

    def writing(self, tokens: Number) -> Number:
        """Seconds in the background."""
        return _seconds(self.write, self.held(tokens))

    def wearing(self, nbytes: float) -> float:
        """Seconds waited for an adapter of so many bytes."""
        return _seconds(self.swap, nbytes)

    def _loading(self, speed: Speed, tokens: Number) -> Number:
        return _seconds(speed, self.held(tokens)) + self.recomputed * self.computing(tokens)


def _seconds(speed: Speed, much: Number) -> Number:
    return speed.latency + much / speed.rate
