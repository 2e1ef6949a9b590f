"""The samples as a file, for programs that measure the same (`scripts/measure_kvpress.py`).

{"format": 1, "model": "recall-lm", "cells": [{"regime": "agnostic", "task": "kv", "length": 1024,
 "samples": 2, "questions": 1, "tokens": 0, "seed": 0, "asked": "…",
 "cases": [{"context": [1, …], "turns": [{"question": […], "answer": […], "cue": 2}]}]}]}
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from mnemon.bench.kv.cases import cases, digest
from mnemon.bench.kv.cells import FULL, Cell
from mnemon.bench.kv.rows import Row

FORMAT = 1


def export(cells: Sequence[Cell], path: Path, model: str, tokenizer: Any = None) -> int:
    """Write what the cells ask; gzipped if the name ends so. How many samples there are."""
    asked = dict.fromkeys(replace(one, policy=FULL, budget="1.0") for one in cells)
    told = [_told(one, tokenizer) for one in asked]
    text = json.dumps({"format": FORMAT, "model": model, "cells": told})
    data = text.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return sum(len(one["cases"]) for one in told)


def asked_by(row: Row, tokenizer: Any = None) -> str:
    """The digest of what this version asks in a row's cell."""
    cell = Cell(
        row.regime, row.task, row.length, FULL, "1.0", row.samples, row.questions, row.tokens,
        row.seed,
    )  # fmt: skip
    return _digest(cell, tokenizer)


@lru_cache(512)
def _digest(cell: Cell, tokenizer: Any) -> str:
    return digest(cases(cell, tokenizer))


def _told(cell: Cell, tokenizer: Any) -> dict[str, Any]:
    drawn = cases(cell, tokenizer)
    told = {name: value for name, value in asdict(cell).items() if name not in ("policy", "budget")}
    return {**told, "asked": digest(drawn), "cases": [asdict(one) for one in drawn]}
