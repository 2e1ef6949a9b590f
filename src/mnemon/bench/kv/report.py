"""The report: what was measured, in words and tables, and the files it is saved in."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnemon.bench.kv import table
from mnemon.bench.kv.picture import draw
from mnemon.bench.kv.policies import AUTO
from mnemon.bench.kv.rows import Row
from mnemon.bench.kv.run import KVTable
from mnemon.bench.report import Rows, markdown, texts
from mnemon.errors import MissingExtra

RECORD, REPORT = "record.json", "report.md"
CAVEAT = (
    "**Nothing may be claimed about large models from this model.** It is one synthetic model of a "
    "few million parameters: it catches policies that are broken or dishonest and it measures "
    "bytes; which policy is better here is not which is better on a large model."
)
_FOREIGN = (
    "The tasks are word lists of the recall language, given to this model as plain text without a "
    "chat template; answers count without an end token, contexts of unequal length are asked one "
    "by one, and `length` counts words."
)
_READ = (
    "Percent of answers that are exact, with the 95 % interval (Wilson). `bytes`: what the cache "
    "really holds after the prompt, in percent of a full one. `mean7`: mean of niah_single, "
    "niah_multikey, multivalue, multiquery, vt, kv and update; `kv`, the dense task, is to be read "
    "beside it, since sparse needles flatter policies that keep outliers. `n`: answers a task. "
    "`scores`: whether a question at the end of the prompt steers what is kept (aware), or not "
    "(agnostic: only such caches may be stored)."
)
_WIDE = (
    "Measured in float32, where a full cache is twice what it is in bfloat16: forms of few bits "
    "look twice as small as they are for a model as it is served. `--dtype bfloat16` shows that."
)
_REGIMES = {
    "agnostic": "the context is compressed, then the question comes",
    "aware": "context and question are compressed, only the answer's cue is fresh",
    "shared": "one compressed context is asked several questions, each by itself",
    "turns": "a dialogue of several questions, compressed as it goes",
    "decode": "tokens by the thousand after the context; answers of the last third",
    "perplexity": "the second half of held-out filler, the first half compressed",
}


def render(found: KVTable) -> str:
    """The report in Markdown."""
    return "\n\n".join(_parts(found)) + "\n"


def to_json(found: KVTable) -> str:
    """The record: `caveat`, `context`, `rows`, `unknown`, `fresh`, `origin`."""
    return json.dumps(plain(found), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(found: KVTable) -> dict[str, Any]:
    """As JSON has it."""
    told = asdict(found)
    told["rows"] = [_derived(row) for row in found.rows]
    caveat = CAVEAT.replace("**", "") if _small(found) else None
    return {"caveat": caveat, **told}


def save(found: KVTable, folder: Path) -> list[Path]:
    """Write record.json, report.md and a picture for each regime and length; the files written.

    Without matplotlib there are no pictures, and how to install it is said on stderr.
    """
    files = texts(folder, {RECORD: to_json(found), REPORT: render(found)})
    try:
        files += _pictures(found, folder)
    except MissingExtra as error:
        sys.stderr.write(f"no picture: {error}\n")
    return files


def brief(found: KVTable) -> Iterator[tuple[str, Rows]]:
    """Titles and tables, for a terminal."""
    for regime, length in table.sections(found.rows):
        told = table.lines(found.rows, regime, length)
        shown = table.perplexity(told) if regime == "perplexity" else table.quality(told)
        yield f"{regime}, {length} tokens: {_REGIMES[regime]}", shown
    if any(row.is_speed for row in found.rows):
        yield _timed(found.rows), table.costs(found.rows)


def _parts(found: KVTable) -> Iterator[str]:
    about = ", ".join(f"{name} {value}" for name, value in found.context.items())
    yield f"# KV policies\n\n{about}."
    places = Counter((row.device, row.dtype) for row in found.rows)
    if len(places) > 1:
        each = "; ".join(f"{count} on {' in '.join(place)}" for place, count in places.items())
        yield f"The rows are of several runs: {each}."
    yield CAVEAT if _small(found) else _FOREIGN
    yield _READ
    if any(row.dtype == "float32" for row in found.rows):
        yield _WIDE
    if found.unknown:
        names = ", ".join(f"`{one}`" for one in found.unknown)
        yield f"Not measured, since no method is called so here: {names}."
    for title, rows in brief(found):
        yield f"## {title}\n\n{markdown(rows).rstrip()}"
    yield from _resolved(found.rows)
    yield from _troubles(found.rows)
    cpu, cores = (found.origin.machine[name] for name in ("cpu", "cores"))
    yield f"`{found.origin.command}`; {cpu}, {cores} cores; {found.origin.date}"


def _resolved(rows: Sequence[Row]) -> Iterator[str]:
    told = {row.budget: row.resolved for row in rows if row.policy == AUTO and row.resolved}
    if told:
        each = "; ".join(f"at {budget} `{policy}`" for budget, policy in told.items())
        yield f"What `auto` was: {each}."


def _troubles(rows: Sequence[Row]) -> Iterator[str]:
    told = dict.fromkeys(
        f"- {row.policy} at {row.budget}: "
        + (f"refused: {row.refused}" if row.refused else f"FAILED on {row.task}: {row.failed}")
        for row in rows
        if row.refused or row.failed
    )
    if told:
        yield "## Not measured\n\n" + "\n".join(told)


def _timed(rows: Sequence[Row]) -> str:
    length = next(row.length for row in rows if row.is_speed)
    return f"cost, sequences of {length} tokens"


def _pictures(found: KVTable, folder: Path) -> Iterator[Path]:
    for regime, length in table.sections(found.rows):
        if regime != "perplexity":
            told = table.lines(found.rows, regime, length)
            title = f"{regime}, {length} tokens, {found.context.get('model', 'recall-lm')}"
            yield draw(told, title, folder / f"kv-{regime}-{length}.svg")


def _small(found: KVTable) -> bool:
    return bool(found.context.get("language", "recall") == "recall")


def _derived(row: Row) -> dict[str, Any]:
    return {
        **asdict(row),
        "accuracy": row.accuracy,
        "interval": row.interval,
        "held": row.held,
        "overhead": row.overhead,
    }
