"""What the scheduler tells the workers for one step."""

from __future__ import annotations

from dataclasses import dataclass, field

from vllm.distributed.kv_transfer.kv_connector.v1.base import KVConnectorMetadata

from mnemon.kv.reuse.ledger import Sources


@dataclass(frozen=True)
class Piece:
    """One block of a request.

    Attributes:
        keys: its key for each tensor-parallel rank. parents: of the block before; None: it begins.
        tokens: ids of its own tokens. start: of the first, in the request.
        pages: ids of vLLM's blocks for all of it.
    """

    keys: tuple[str, ...]
    parents: tuple[str, ...] | None
    tokens: tuple[int, ...]
    start: int
    pages: tuple[int, ...]


@dataclass(frozen=True)
class Load:
    """Tokens of a request that are put into its pages: those of `pieces` from `begin` on."""

    request: str
    pieces: tuple[Piece, ...]
    begin: int


@dataclass(frozen=True)
class Save:
    """Blocks of a request that are whole after the step. `pages`: all that they depend on."""

    request: str
    pieces: tuple[Piece, ...]
    sources: Sources
    pages: tuple[int, ...]


@dataclass
class Transfers(KVConnectorMetadata):  # type: ignore[misc]
    """One step's loads and saves; `tokens`: how many it computes, of all requests."""

    loads: list[Load] = field(default_factory=list)
    saves: list[Save] = field(default_factory=list)
    tokens: int = 0
