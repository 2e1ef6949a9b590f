"""Freshness along a line of artifacts: who continues one that is stale is stale too."""

from __future__ import annotations

from collections.abc import Iterable


def fresh(rows: Iterable[tuple[str, str | None, bool]]) -> set[str]:
    """Keys that are current with all they continue.

    Args:
        rows: (key, key of what it continues, whether its own sources are current), with a row for
            everything that is continued; what has none is unknown, and so what continues it stale.
    """
    told = {key: (parent, bool(current)) for key, parent, current in rows}
    verdicts: dict[str, bool] = {}
    for key in told:
        line: list[str] = []
        at: str | None = key
        while at is not None and at in told and at not in verdicts:
            verdicts[at] = False  # until all above is known; a circle never is
            line.append(at)
            at = told[at][0]
        good = at is None or verdicts.get(at, False)
        for one in reversed(line):
            good = good and told[one][1]
            verdicts[one] = good
    return {key for key, good in verdicts.items() if good}
