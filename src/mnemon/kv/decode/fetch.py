"""Keys and values that stay in the host's memory, of which some pages are fetched for each token.

Which pages is a choice on the device, made before the step, anew or kept from the token before by
whoever retrieves. The kernel reads the host's pinned memory itself, so that fetching is part of
the captured step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mnemon.errors import InvalidInput
from mnemon.kv.decode.rows import PackedRows


@dataclass(frozen=True)
class FetchedRows:
    """Pages of a layer in host memory, and where those that are attended to go.

    `host_keys`, `host_values` [B * Hkv, pages, page, D], pinned; `chosen` int32 [B * Hkv, P] on the
    device, the pages to fetch for each row, each less than `pages`; `plain`, what is attended to,
    takes P pages a row, one row after another. Layers may share one `plain`: with two in turns, a
    layer's pages are fetched while the layer before is computed (`mnemon.kv.decode.ahead`).

    `held` int32 [B * Hkv, P] has the page that stands in each place of `plain`, -1 for none: one
    that is chosen for its place again is not fetched. It needs a `plain` of the layer's own. None:
    every page is fetched every time.
    """

    host_keys: Tensor
    host_values: Tensor
    chosen: Tensor
    plain: PackedRows
    held: Tensor | None = None

    @property
    def starts(self) -> Tensor:
        """Those of `plain`."""
        return self.plain.starts

    @property
    def nbytes(self) -> int:
        """Bytes of device memory that attending reads."""
        return self.plain.nbytes

    @property
    def fetched_bytes(self) -> int:
        """Bytes that cross from the host for every token, if nothing is held."""
        return self.chosen.numel() * 2 * self.host_keys[0, 0].nbytes


def fetched(
    host_keys: Tensor, host_values: Tensor, chosen: Tensor, *, keep: bool = False
) -> FetchedRows:
    """Rows with room for the chosen pages; see `FetchedRows` for the shapes.

    `keep`: what stands where it is chosen again is not fetched again.

    Raises `InvalidInput` for host memory that a device could not read.
    """
    rows, count = chosen.shape
    page, size = host_keys.shape[2:]
    if chosen.is_cuda and not (host_keys.is_pinned() and host_values.is_pinned()):
        raise InvalidInput("pages can be fetched from pinned memory only: use tensor.pin_memory()")
    keys = torch.zeros(rows * count * page, size, dtype=host_keys.dtype, device=chosen.device)
    starts = torch.arange(rows + 1, dtype=torch.int32, device=chosen.device) * (count * page)
    plain = PackedRows(keys, torch.zeros_like(keys), starts)
    held = torch.full_like(chosen, -1) if keep else None
    return FetchedRows(host_keys, host_values, chosen, plain, held)


def fetch(rows: FetchedRows) -> None:
    """Brings the chosen pages into `rows.plain`."""
    if rows.chosen.is_cuda:
        from mnemon.kv.decode.kernels.launch import fetch_kernel

        fetch_kernel(rows)
    else:
        fetch_reference(rows)


def fetch_reference(rows: FetchedRows) -> None:
    """The same in plain torch."""
    wanted = torch.ones_like(rows.chosen, dtype=torch.bool)
    if rows.held is not None:
        wanted = rows.held != rows.chosen
        rows.held.copy_(rows.chosen)
    row, place = wanted.nonzero(as_tuple=True)
    page = rows.chosen[row, place].long()
    pages = (*rows.chosen.shape, *rows.host_keys.shape[2:])
    rows.plain.keys.view(pages)[row, place] = rows.host_keys[row, page]
    rows.plain.values.view(pages)[row, place] = rows.host_values[row, page]
