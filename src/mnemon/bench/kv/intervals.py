"""How sure a share is: Wilson's interval."""

from __future__ import annotations

from math import sqrt

_Z = 1.959963984540054  # 95 %, two-sided


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, `right` of `count`, both in [0, 1].

    Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953: unlike the usual ± it stays inside
    [0, 1] and does not shrink to nothing at 0 % and 100 %.
    """
    if count == 0:
        return 0.0, 1.0
    share = right / count
    spread = 1 + _Z**2 / count
    middle = (share + _Z**2 / (2 * count)) / spread
    half = _Z * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / spread
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
