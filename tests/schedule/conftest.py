"""Small traces for the tests of scheduling."""

import numpy as np
import pytest

from mnemon.schedule.costs import Costs
from mnemon.schedule.trace import Trace
from mnemon.schedule.view import view


@pytest.fixture(scope="session")
def make():
    """A trace of six cubes."""

    def made(questions, tokens=(50,) * 6):
        cubes = np.arange(len(tokens))
        asked = [np.array(one, np.int64) for one in questions]
        return Trace("small", np.array(tokens), cubes * 0, cubes // 3, asked, {})

    return made


@pytest.fixture(scope="session")
def seen():
    """The view of a trace, with budgets in tokens."""

    def made(trace, host, disk, price=0.25):
        each = Costs().token_bytes
        return view(trace, Costs(), host * each, disk * each, price)

    return made
