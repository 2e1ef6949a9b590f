"""How much a KV cache may hold: a fraction, a number of tokens or a number of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mnemon.errors import InvalidInput

_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TB": 10**12,
    "TIB": 2**40,
}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")


@dataclass(frozen=True)
class Budget:
    """A bound on what a cache holds for each sequence.

    Attributes:
        amount: a fraction of the full cache's bytes, a number of tokens, or of bytes.
        unit: which of the three. A fraction grows with the text; the other two stand still.
    """

    amount: float
    unit: Literal["fraction", "tokens", "bytes"]

    @classmethod
    def of(cls, value: Budget | float | int | str) -> Budget:
        """Read a budget: `0.25` (fraction), `1024` (tokens) or `"512MB"` (bytes a sequence).

        Raises:
            InvalidInput: not such a value, or out of range.
        """
        if isinstance(value, Budget):
            return value
        if isinstance(value, str):
            return cls(_bytes(value), "bytes")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInput(f"budget={value!r}: give {_FORMS}")
        if isinstance(value, int):
            if value < 2:
                raise InvalidInput(
                    f"budget={value} tokens: a cache keeps at least one sink and one recent token"
                    f" (a fraction is written 1.0); give {_FORMS}"
                )
            return cls(value, "tokens")
        if not 0 < value <= 1:
            raise InvalidInput(f"budget={value}: a fraction lies in (0, 1]; give {_FORMS}")
        return cls(value, "fraction")

    def tokens(self, seen: int, token_bytes: int) -> float:
        """How many uncompressed tokens' worth it allows after `seen` tokens.

        Args:
            seen: real tokens so far (padding does not count).
            token_bytes: bytes of one token over all compressed layers, uncompressed.
        """
        if self.unit == "fraction":
            return self.amount * seen
        return self.amount if self.unit == "tokens" else self.amount / token_bytes

    def __str__(self) -> str:
        if self.unit == "fraction":
            return f"{self.amount:g}"
        return f"{self.amount:.0f} {self.unit}"


def bytes_of(name: str, value: int | str) -> int:
    """A number of bytes, given as such or as `"2GB"`.

    Raises:
        InvalidInput: neither; the message tells the option's `name`.
    """
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is not None and found[2].upper() in _UNITS:
        return int(float(found[1]) * _UNITS[found[2].upper()])
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise InvalidInput(f"{name}={value!r} is no size: give bytes such as 2_000_000_000 or '2GB'")


_FORMS = "a fraction such as 0.25, a number of tokens such as 1024, or bytes such as '512MB'"


def _bytes(text: str) -> float:
    found = _SIZE.fullmatch(text)
    if found is None or (unit := found[2].upper()) not in _UNITS:
        raise InvalidInput(f"budget={text!r} is not a size; give {_FORMS}")
    amount = float(found[1]) * _UNITS[unit]
    if amount <= 0:
        raise InvalidInput(f"budget={text!r}: nothing can be kept in that; give {_FORMS}")
    return amount
