"""The report of `mnemon bench consolidation`: a table a job, and what the two methods promise."""

from __future__ import annotations

from mnemon.bench.consolidation.table import ConsolidationTable, Row
from mnemon.bench.report import markdown

_HEAD = [
    "method", "weights", "gradients", "state", "activations", "live", "RSS MiB", "CPU s/step",
    "loss", "held out", "recall",
]  # fmt: skip
_CARD_HEAD = [
    "method", "weights", "gradients", "state", "activations", "peak", "reserved", "beside", "host",
    "first s", "s/step", "tokens/s", "loss", "held out", "recall",
]  # fmt: skip
_SAID = {
    "scale_bytes_to_adam": "scratch: weights and state of scale, by adamw's",
    "scale_loss_to_adam": "scratch: loss of scale, by adamw's",
    "scale_loss_to_sgd": "scratch: loss of scale, by sgd's",
    "ist_bytes_to_all": "lora: gradients and state of ist, by those of all layers",
    "ist_held_out_to_uniform": "lora: held-out loss of ist, by that of layers drawn uniformly",
}


def rows(found: ConsolidationTable, job: str) -> list[list[str]]:
    """Head and rows of one job's table; bytes are KiB, of a CUDA device MiB."""
    on_card = found.context["card"] is not None
    head, line = (_CARD_HEAD, _card_line) if on_card else (_HEAD, _line)
    return [head, *(line(one) for one in found.rows if one.job == job)]


def render(found: ConsolidationTable) -> str:
    """The report in Markdown."""
    context, machine = found.context, found.origin.machine
    on_card = context["card"] is not None
    where = f"{context['card']}, " if on_card else ""
    told = [
        f"{context['facts']} facts, {context['steps']} steps, {context['seeds']} seeds, model "
        f"{context['model']} in {context['dtype']}, on {where}{machine['cpu']}, "
        f"{machine['cores']} cores, {context['threads']} threads, load {context['load']}, torch "
        f"{context['torch']}, transformers {context['transformers']}. "
        f"Sizes in {'MiB' if on_card else 'KiB'}."
    ]
    for job in dict.fromkeys(one.job for one in found.rows):
        told.append(f"## {job}\n\n{markdown(rows(found, job))}")
    ratios = [
        [said, "-" if (one := getattr(found, name)) is None else f"{one:.3f}"]
        for name, said in _SAID.items()
    ]
    return "\n\n".join([*told, markdown([["what", "ratio"], *ratios])]) + "\n"


def _line(row: Row) -> list[str]:
    if row.refused is not None:
        return [row.setting, f"cannot run: {row.refused}", *[""] * (len(_HEAD) - 2)]
    sizes = (row.weights, row.gradients, row.state, row.activations, row.live)
    return [
        row.setting, *(f"{one / 1024:,.0f}" for one in sizes),
        "-" if row.resident is None else f"{row.resident / 2**20:,.0f}",
        f"{row.step_cpu_seconds:.3f}", *(_figure(one) for one in (row.loss, row.held_out)),
        "-" if row.recall is None else f"{row.recall:.3f}",
    ]  # fmt: skip


def _card_line(row: Row) -> list[str]:
    if row.refused is not None:
        return [row.setting, f"cannot run: {row.refused}", *[""] * (len(_CARD_HEAD) - 2)]
    sizes = (
        row.weights, row.gradients, row.state, row.activations, row.allocated, row.reserved,
        row.beside, row.host,
    )  # fmt: skip
    return [
        row.setting, *("-" if one is None else f"{one / 2**20:,.0f}" for one in sizes),
        f"{row.first_seconds:.2f}", f"{row.step_seconds:.3f}",
        f"{row.tokens / row.step_seconds:,.0f}",
        *(_figure(one) for one in (row.loss, row.held_out, row.recall)),
    ]  # fmt: skip


def _figure(one: float | None) -> str:
    return "-" if one is None else f"{one:.3f}"
