"""The report of `mnemon bench weights`: tables, and JSON whose first keys are the figures."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnemon.bench.record import RECORD
from mnemon.bench.report import Rows, markdown, texts
from mnemon.bench.weights.picture import draw
from mnemon.bench.weights.run import WeightsRun
from mnemon.bench.weights.tables import Titled, number, tables
from mnemon.errors import MissingExtra

_SAID = {
    "recall": "facts answered by weights alone",
    "recall_paraphrase": "… asked in words that were not trained",
    "recall_in_context": "… by the base, from context",
    "chance": "… by the base, without context",
    "wrong_document": "facts never told, answered with a stored value",
    "wrong_document_ungated": "… with some adapter worn anyway",
    "conflict_context_wins": "the context says otherwise: its word is answered",
    "conflict_ungated_context": "… with the adapter worn anyway",
    "conflict_ungated_weights": "… and the stored value",
    "general_base": "general probes, the base",
    "general": "… with adapters",
    "general_delta": "… the difference",
    "general_delta_ungated": "… with some adapter worn at each",
    "forgotten_recall": "forgotten facts answered",
    "forgotten_recall_ungated": "… by any shard that was trained again",
    "kept_recall": "facts that stayed, afterwards",
    "forget_time_ratio": "CPU time of forgetting, of that of training",
    "forget_wall_ratio": "wall time of forgetting, of that of training",
    "train_seconds": "training, s",
    "train_cpu_seconds": "training, CPU s",
    "forget_seconds": "forgetting, s",
    "forget_cpu_seconds": "forgetting, CPU s",
    "train_allocated_bytes": "training, the most that tensors had on the device, bytes",
    "train_reserved_bytes": "… and that torch held there",
    "forgotten_nll_before": "nats a token of the forgotten answers: before",
    "forgotten_nll_after": "… after",
    "base_nll": "… of all answers, by the base",
    "forgotten_nll_ungated": "… by a shard that was trained again",
    "forgotten_nll_never_saw": "… by that of a memory that never had them",
    "retrained_same_as_never_saw": "shards trained again that equal the latter, byte for byte",
    "swap_p50_ms": "hot swap, p50, ms",
    "swap_p95_ms": "hot swap, p95, ms",
    "swap_cpu_p95_ms": "hot swap, p95, CPU ms",
    "swap_grown_mib": "memory that 900 swaps left behind, MiB",
    "shards": "adapters",
    "unlearnt": "… of them that did not learn",
    "retrained_shards": "adapters trained again",
    "adapter_bytes_per_fact": "bytes of adapters a fact",
}


def rows(found: WeightsRun) -> Rows:
    """Head and rows of the table of `lifecycle`: what a figure is, its name, and itself."""
    told = [
        [said, name, number(found.figures[name])]
        for name, said in _SAID.items() if name in found.figures
    ]  # fmt: skip
    return [["what", "name", "figure"], *told]


def all_tables(found: WeightsRun) -> list[Titled]:
    """The tables of all sections that were run, with their titles."""
    first = [("Lifecycle", rows(found))] if "recall" in found.figures else []
    return first + tables(found.figures)


def render(found: WeightsRun) -> str:
    """The report in Markdown."""
    machine, context = found.origin.machine, found.context
    told = f"{found.figures['facts']} facts into " if "facts" in found.figures else ""
    card = "" if context["card"] is None else f"{context['card']}, "
    head = (
        f"{told}{context['model']} in {context['dtype']} by `{context['method']}`, on {card}"
        f"{machine['cpu']}, {machine['cores']} cores, {context['threads']} threads, load "
        f"{context['load']}, torch {context['torch']}, peft {context['peft']}."
    )
    spent = ", ".join(f"{name} {one:.0f}" for name, one in context["cpu_seconds"].items())
    parts = [head, f"CPU seconds: {spent}."]
    for title, each in all_tables(found):
        parts += [f"## {title}", markdown(each)]
    return "\n\n".join(parts) + "\n"


def to_json(found: WeightsRun) -> str:
    """The figures, and `context` and `origin` after them."""
    told: dict[str, Any] = {**found.figures, "context": found.context}
    return json.dumps({**told, "origin": asdict(found.origin)}, indent=1, allow_nan=False) + "\n"


def save(found: WeightsRun, folder: Path) -> list[Path]:
    """Write record.json, report.md, and retention.svg if that section was run; the files written.

    Without matplotlib there is no picture, and how to install it is said on stderr.
    """
    files = texts(folder, {RECORD: to_json(found), "report.md": render(found)})
    if "retention" in found.figures:
        try:
            files.append(draw(found.figures["retention"], folder / "retention.svg"))
        except MissingExtra as error:
            sys.stderr.write(f"no picture: {error}\n")
    return files
