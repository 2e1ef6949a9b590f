"""Filters over columns: which versions of a scope a search may return."""

from __future__ import annotations

import numpy as np

from mnemon.instant import now_micros
from mnemon.store.index.columns import Columns
from mnemon.store.rows import Filter


def matching(columns: Columns, chosen: Filter) -> np.ndarray | None:
    """Which versions a filter leaves, bool [N]; None for all of them."""
    code = columns.names.code
    moment = chosen.as_of if chosen.as_of is not None else now_micros()
    parts = []
    if chosen.valid_at is not None:
        parts.append(columns["valid_from"] <= chosen.valid_at)
        moment = chosen.valid_at
    if (chosen.valid_at is not None or not chosen.ended) and columns.soonest_end <= moment:
        parts.append(columns["valid_to"] > moment)
    if chosen.kinds is not None:
        parts.append(np.isin(columns["kind"], [code(kind) for kind in chosen.kinds]))
    if chosen.speaker is not None:
        parts.append(columns["speaker"] == code(chosen.speaker))
    if chosen.session is not None:
        parts.append(columns["session"] == code(chosen.session))
    if chosen.since is not None:
        parts.append(columns["valid_from"] >= chosen.since)
    if chosen.until is not None:
        parts.append(columns["valid_from"] < chosen.until)
    if chosen.reader is not None and columns.restricted:
        parts.append(columns.may_read(chosen.reader))
    return np.logical_and.reduce(parts) if parts else None
