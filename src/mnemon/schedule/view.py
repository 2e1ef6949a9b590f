"""View: what a policy may know beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.errors import InvalidInput
from mnemon.schedule.costs import Costs
from mnemon.schedule.trace import Floats, Ints, Trace

NOWHERE, DISK, HOST = 0, 1, 2
"""Where a cube's keys and values lie; the host's copy is named if there are two."""


@dataclass(frozen=True)
class View:
    """Cubes, what they cost, and the budgets; no question.

    Attributes:
        namespaces, groups: as in the trace, `[N]`.
        bytes: that each cube holds, `[N]`.
        compute, from_disk, from_host: seconds waited for it, by where it lies, `[N]`; what loads
            slower than it computes is computed.
        ahead, write: background seconds of compiling it ahead and of writing it to disk, `[N]`.
        host_bytes, disk_bytes: the budgets.
        price: of a background second, in seconds waited.
    """

    namespaces: Ints
    groups: Ints
    bytes: Floats
    compute: Floats
    from_disk: Floats
    from_host: Floats
    ahead: Floats
    write: Floats
    host_bytes: float
    disk_bytes: float
    price: float


def view(trace: Trace, costs: Costs, host_bytes: float, disk_bytes: float, price: float) -> View:
    """What a policy sees of a trace.

    Raises:
        InvalidInput: a budget or the price is negative.
    """
    if min(host_bytes, disk_bytes, price) < 0:
        raise InvalidInput(
            f"budgets and price are 0 or more: got {host_bytes}, {disk_bytes} and {price}"
        )
    tokens = trace.tokens.astype(np.float64)
    compute = costs.computing(tokens)
    return View(
        namespaces=trace.namespaces,
        groups=trace.groups,
        bytes=costs.held(tokens),
        compute=compute,
        from_disk=np.minimum(costs.from_disk(tokens), compute),
        from_host=np.minimum(costs.from_host(tokens), compute),
        ahead=costs.computing_ahead(tokens),
        write=costs.writing(tokens),
        host_bytes=host_bytes,
        disk_bytes=disk_bytes,
        price=price,
    )
