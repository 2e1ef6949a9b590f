"""Codes are the same whoever makes them: torch, or a kernel in one pass."""

from __future__ import annotations

import pytest
import torch

from mnemon.kv import codes
from mnemon.kv.encoding import Picked, by_channel, by_token, read_by_channel, read_by_token

KINDS = [torch.float32, torch.bfloat16, torch.float16]
# Triton's interpreter cuts numbers to bfloat16 instead of rounding them.
INTERPRETED = KINDS if torch.cuda.is_available() else [torch.float32, torch.float16]
BITS = [2, 4, 8]
CLOSE = {"rtol": 0.01, "atol": 0.01}  # a bfloat16 may be rounded the other way
# Triton's interpreter converts arrays of one number to numbers.
pytestmark = pytest.mark.filterwarnings("ignore:Conversion of an array:DeprecationWarning")


@pytest.fixture
def kernels(request: pytest.FixtureRequest):
    """On the device if there is one, else interpreted."""
    if not torch.cuda.is_available():
        request.getfixturevalue("interpreter")
    pytest.importorskip("triton")
    from mnemon.kv import encoding_kernels

    return encoding_kernels


def some_heads(kind: torch.dtype, channels: int = 64) -> torch.Tensor:
    """Heads that are a part of longer ones, with a channel that never changes."""
    whole = torch.randn(6, 80, channels).to(kind)
    whole[..., 3] = 0.25
    return whole[:, 5:69].to("cuda" if torch.cuda.is_available() else "cpu")


def some_rows(heads: torch.Tensor) -> torch.Tensor:
    there = torch.rand(heads.shape[0] * heads.shape[1]) > 0.3
    return there.nonzero().squeeze(1)[: 7 * 32].to(heads.device)


def test_rows_are_counted_through_all_heads() -> None:
    heads = some_heads(torch.float32).cpu()
    at = torch.tensor([0, 63, 64, 383])
    assert torch.equal(Picked(heads, at).rows(), heads[[0, 0, 1, 5], [0, 63, 0, 63]])
    assert len(Picked(heads)) == 384 and len(Picked(heads, at)) == 4


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_coded_by_channel_reads_as_it_was(kind: torch.dtype, bits: int) -> None:
    picked = Picked(some_heads(kind))
    coded = by_channel(picked, bits, 32)
    apart = (read_by_channel(coded, bits, 32) - picked.rows()).abs().float()
    assert (apart.unflatten(0, (-1, 32)) <= 0.51 * coded[1][:, None].float() + 0.02).all()


@pytest.mark.parametrize("kind", INTERPRETED)
@pytest.mark.parametrize("some", [True, False])
def test_a_kernel_makes_the_same_by_channel(kernels, kind, some) -> None:
    heads = some_heads(kind)
    picked = Picked(heads, some_rows(heads) if some else None)
    for bits in BITS:
        _same(kernels.by_channel(picked, bits, 32), by_channel(_plain(picked), bits, 32), bits)


@pytest.mark.parametrize("kind", INTERPRETED)
@pytest.mark.parametrize(("channels", "size"), [(64, 32), (16, 32), (128, 64)])
def test_a_kernel_makes_the_same_by_token(kernels, kind, channels, size) -> None:
    heads = some_heads(kind, channels)
    picked = Picked(heads, some_rows(heads)[:-5])
    for bits in BITS:
        _same(kernels.by_token(picked, bits, size), by_token(_plain(picked), bits, size), bits)


@pytest.mark.parametrize("kind", INTERPRETED)
@pytest.mark.parametrize(("channels", "size"), [(64, 32), (16, 16), (128, 64)])
def test_a_kernel_reads_the_same(kernels, kind, channels, size) -> None:
    picked = _plain(Picked(some_heads(kind, channels)))
    there = "cuda" if torch.cuda.is_available() else "cpu"
    for bits in BITS:
        coded = by_channel(picked, bits, 32)
        found = kernels.read_by_channel(tuple(one.to(there) for one in coded), bits, 32)
        torch.testing.assert_close(found.cpu(), read_by_channel(coded, bits, 32), **CLOSE)
        coded = by_token(picked, bits, size)
        found = kernels.read_by_token(tuple(one.to(there) for one in coded), bits)
        torch.testing.assert_close(found.cpu(), read_by_token(coded, bits), **CLOSE)


def test_nothing_is_coded_of_nothing(kernels) -> None:
    heads = some_heads(torch.float32)
    none = Picked(heads, torch.zeros(0, dtype=torch.int64, device=heads.device))
    assert [len(one) for one in kernels.by_channel(none, 2, 32)] == [0, 0, 0]
    assert [len(one) for one in kernels.by_token(none, 2, 32)] == [0, 0, 0]
    assert kernels.read_by_channel(kernels.by_channel(none, 2, 32), 2, 32).shape == (0, 64)
    assert kernels.read_by_token(kernels.by_token(none, 2, 32), 2).shape == (0, 64)


def _plain(picked: Picked) -> Picked:
    return Picked(picked.heads.cpu(), None if picked.at is None else picked.at.cpu())


def _same(made, wanted, bits: int) -> None:
    """A number that lies on the border of two codes may get either: one in a thousand."""
    (packed, *rest), (expected, *others) = made, wanted
    for one, other in zip(rest, others, strict=True):
        torch.testing.assert_close(one.cpu(), other, rtol=0.01, atol=1e-8)
    apart = codes.unpack_bits(packed.cpu(), bits).int() - codes.unpack_bits(expected, bits).int()
    assert apart.abs().max() <= 1 and (apart != 0).float().mean() < 1e-3
