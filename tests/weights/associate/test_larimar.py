from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.weights.associate.segments import FACTS, SEGMENTS, STRANGERS

from mnemon.bench.latent import asking
from mnemon.bench.latent.larimar import updated
from mnemon.bench.latent.section import Setting
from mnemon.errors import InvalidInput
from mnemon.weights import addresses, grid, latents
from mnemon.weights.associate.larimar import Larimar


def _right(loaded, method, state, told) -> int:
    setting = Setting(*loaded, "nano")
    reads = ((one, asking.recalled(setting, method, state, one)) for one in told)
    return sum(asking.judged(setting, one, read).exact for one, read in reads)


def test_all_is_recalled_up_to_its_slots_and_little_beyond(loaded) -> None:
    told = FACTS[:12]
    fits = Larimar(slots=16, tokens=16).write(loaded.model, {}, SEGMENTS[:12])
    assert _right(loaded, Larimar(slots=16, tokens=16), fits, told) == 12
    over = Larimar(slots=8, tokens=16).write(loaded.model, {}, SEGMENTS[:24])
    assert _right(loaded, Larimar(slots=8, tokens=16), over, told) < 4


def test_what_was_never_written_or_is_erased_is_not_known(loaded) -> None:
    method, setting = Larimar(slots=32, tokens=16), Setting(*loaded, "nano")
    state = method.write(loaded.model, {}, SEGMENTS[:8])
    assert all(asking.recalled(setting, method, state, one) is None for one in STRANGERS)
    left = method.erase(loaded.model, state, SEGMENTS[:3])
    assert all(asking.recalled(setting, method, left, one) is None for one in FACTS[:3])
    assert _right(loaded, method, left, FACTS[3:8]) == 5
    assert _right(loaded, method, left, FACTS[:3]) == 0


def test_it_is_the_papers_update_in_another_form(loaded) -> None:
    method = Larimar(slots=16, tokens=16, ridge=0.1)
    state = method.erase(loaded.model, method.write(loaded.model, {}, SEGMENTS[:6]), SEGMENTS[2:3])
    at = addresses.signs([one.address for one in SEGMENTS[:6]], 16)
    rows = torch.stack([
        grid.rounded(latents.flat(latents.encoded(loaded.model, (1, *one.ids)), 16), 7)
        for one in SEGMENTS[:6]
    ])  # fmt: skip
    theirs = updated(at, rows, [*((i, 1.0) for i in range(6)), (2, -1.0)], 0.1)
    inverted = torch.linalg.inv(state["covariance"].double() + 0.1 * torch.eye(16))
    assert torch.allclose(inverted @ state["sums"].double(), theirs, atol=1e-8)


@settings(deadline=None)
@given(parts=st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=12), seed=st.randoms())
def test_sums_on_a_grid_do_not_depend_on_their_order(parts, seed) -> None:
    steps = [*((one, 1) for one in parts), *((one, -1) for one in parts)]
    seed.shuffle(steps)
    total = torch.zeros(1)
    for one, sign in steps:
        total = grid.added(total, sign * grid.rounded(torch.tensor([one]), 8), 8)
    assert total.numpy().tobytes() == torch.zeros(1).numpy().tobytes()


def test_sums_that_outgrow_their_bits_are_refused() -> None:
    with pytest.raises(InvalidInput, match="too much is written"):
        grid.added(torch.zeros(1), torch.tensor([2.0**16]).double(), 8)


def test_addresses_are_the_same_everywhere_and_nearly_orthogonal() -> None:
    at = addresses.signs([f"{i}" for i in range(20)], 256)
    assert torch.equal(at, addresses.signs([f"{i}" for i in range(20)], 256))
    assert at[0, :6].sign().tolist() == [-1, 1, 1, 1, 1, 1]
    near = at @ at.T - torch.eye(20).double()
    assert float(near.abs().max()) < 0.35
