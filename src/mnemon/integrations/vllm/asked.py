"""What the scheduler knows of one request: whether it may be kept, and the keys of its blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mnemon.errors import InvalidInput
from mnemon.integrations.vllm.transfers import Piece
from mnemon.kv.reuse import keys
from mnemon.kv.reuse.ledger import Sources

SOURCES = "mnemon_sources"
"""In a request's `kv_transfer_params`: `[[cube id, version], …]` of what its prompt tells."""


def is_plain(request: Any) -> bool:
    """Whether tokens alone decide the request's keys and values."""
    embeds = getattr(request, "prompt_embeds", None)
    return not request.lora_request and not request.mm_features and embeds is None


def sources(request: Any) -> Sources | None:
    """The cubes that a request says its prompt was made from; None if it says nothing of them.

    Raises:
        InvalidInput: it says so in another form.
    """
    told = (getattr(request, "kv_transfer_params", None) or {}).get(SOURCES)
    if told is None:
        return None
    try:
        return tuple((str(cube), int(version)) for cube, version in told)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{SOURCES} is a list of [cube id, version], not {told!r}") from error


def salted(root: str, salt: str | None) -> str:
    """A root for the requests that vLLM's own `cache_salt` keeps apart."""
    return hashlib.sha256(f"{root}\0{salt}".encode()).hexdigest() if salt else root


@dataclass
class Chain:
    """The keys of a request's whole blocks, for every rank; made as the tokens come."""

    roots: tuple[str, ...]
    size: int
    known: list[tuple[str, ...]] = field(default_factory=list)

    def upto(self, tokens: Sequence[int], count: int) -> list[tuple[str, ...]]:
        """The keys of the first `count` blocks of `tokens`."""
        for place in range(len(self.known), count):
            parents = self.known[place - 1] if place else self.roots
            own = tokens[place * self.size : (place + 1) * self.size]
            self.known.append(tuple(keys.following(one, own) for one in parents))
        return self.known[:count]

    def pieces(
        self, tokens: Sequence[int], pages: Sequence[int], block: int, first: int, end: int
    ) -> tuple[Piece, ...]:
        """The blocks `first … end` of a request, with the pages of `block` tokens they lie in."""
        found, each = self.upto(tokens, end), self.size // block
        return tuple(
            Piece(
                found[place],
                found[place - 1] if place else None,
                tuple(tokens[place * self.size : (place + 1) * self.size]),
                place * self.size,
                tuple(pages[place * each : (place + 1) * each]),
            )
            for place in range(first, end)
        )
