"""The sections beside `lifecycle`, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from mnemon.bench.report import Rows

_SETTINGS = {
    "base": "nothing: the base alone",
    "parametric": "weights",
    "retrieval": "what search finds",
    "both": "weights and what search finds, by the gate",
    "both_ungated": "… with the adapter worn anyway",
    "in_context": "the fact itself",
    "wrong_document": "another fact",
    "parametric_wrong_document": "weights and another fact, by the gate",
}
_EDITS = {
    "facts": "facts",
    "edited": "… of them edited",
    "recall_before": "all answered before",
    "edit_success": "the new value is answered",
    "edit_success_paraphrase": "… asked in words that were not trained",
    "old_value_answered": "the old value is answered",
    "neighbours": "unedited facts in the shards that were trained again",
    "locality_neighbours": "… answered",
    "others": "all other facts",
    "locality_others": "… answered",
    "general_delta": "general probes: the difference",
    "old_nll_before": "nats a token of the old value: before",
    "old_nll": "… after",
    "new_nll": "… of the new value, after",
    "retrained_shards": "adapters trained again",
    "edit_time_ratio": "CPU time of that, of that of training",
}
_MARKS = {
    "recognition_near": "near",
    "recognition_value": "value",
    "recognition_subject": "subject",
    "recognition_other": "other",
    "recall": "recall",
    "completion": "completion",
    "paraphrase": "paraphrase",
    "nll": "nats a token",
}
_SHOWN = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
_STABILITY = {
    "acc": "accuracy on all batches at the end",
    "min_acc": "min-ACC",
    "wc_acc": "WC-ACC",
    "general_base": "general probes, before",
    "general": "… with that adapter",
    "general_nll_base": "nats a token of their answers, before",
    "general_nll": "… with that adapter",
}
Titled = tuple[str, Rows]


def tables(figures: Mapping[str, Any]) -> list[Titled]:
    """Of each section that was run, its tables with their titles."""
    made = list[Titled]()
    for name, of in _OF.items():
        if name in figures:
            made += of(figures[name])
    return made


def _settings(found: Mapping[str, Any]) -> list[Titled]:
    rows = [["the model is given", "name", "answered", "in other words"]]
    for name, each in found["answered"].items():
        rows.append([_SETTINGS[name], name, number(each["recall"]), number(each["paraphrase"])])
    invented = [["the model is given", "a stored value is answered"]]
    for name, one in found["strangers_given_a_stored_value"].items():
        invented.append([_SETTINGS[name], number(one)])
    hit, again = number(found["retrieved"]), number(found["retrieved_paraphrase"])
    title = (
        f"Settings: {found['facts']} facts; the first {found['hits']} hits of search hold the fact "
        f"for {hit} of the questions ({again} in other words), in {found['context_tokens']:.0f} "
        "tokens"
    )
    return [(title, rows), ("Strangers' questions", invented)]


def _edits(found: Mapping[str, Any]) -> list[Titled]:
    columns = (found | found["sharded"], found["one_adapter"])
    rows = [["what", "name", "sharded", "one adapter"]]
    for name, said in _EDITS.items():
        rows.append([said, name, *(number(one.get(name)) for one in columns)])
    return [("Edits", rows)]


def _retention(found: Mapping[str, Any]) -> list[Titled]:
    one, sharded = found["one_adapter"], found["sharded"]
    size = f"{found['batch_facts']} facts"
    sharded_kept = [["batches consolidated", "recall", "nats a token"]]
    for number_of, each in enumerate(sharded["retention"], 1):
        sharded_kept.append([str(number_of), number(each["recall"]), number(each["nll"])])
    return [
        (f"Exposures of {size}, one adapter", _curve("exposures", one["exposures"])),
        (f"Exposures of {size}, sharded", _curve("exposures", sharded["exposures"])),
        ("Exposures until 95 % are right", _reached(one, sharded)),
        ("The first batch, as one adapter learns others", _kept(one["retention"])),
        ("The first batch, as others are consolidated, sharded", sharded_kept),
        ("Accuracy on all earlier batches while one is learnt, one adapter", _gaps(one)),
        ("One adapter in the end", [
            ["what", "name", "figure"],
            *([said, name, number(one[name])] for name, said in _STABILITY.items()),
        ]),
    ]  # fmt: skip


def _curve(across: str, marks: Sequence[Mapping[str, float]]) -> Rows:
    """The first ones closely, then ever fewer, and the last."""
    last = len(marks) - 1
    shown = [*(k for k in _SHOWN if k < last), last]
    rows = [[across, *_MARKS.values()]]
    return rows + [[str(k), *(number(marks[k][name]) for name in _MARKS)] for k in shown]


def _kept(marks: Sequence[Mapping[str, float]]) -> Rows:
    """By the updates made since; some that were looked at, and the last."""
    places = [*(k for k in (*range(7), *range(8, len(marks), 4)) if k < len(marks) - 1), -1]
    rows = [["updates", *_MARKS.values()]]
    return rows + [
        [str(int(marks[k]["updates"])), *(number(marks[k][name]) for name in _MARKS)]
        for k in places
    ]


def _reached(*found: Mapping[str, Any]) -> Rows:
    names = [name for name in _MARKS if name != "nll"]
    rows = [["adapters", *(_MARKS[name] for name in names)]]
    for said, one in zip(("one adapter", "sharded"), found, strict=True):
        each = [one[f"exposures_to_{name}"] for name in names]
        rows.append([said, *("never" if k is None else str(k) for k in each)])
    return rows


def _gaps(one: Mapping[str, Any]) -> Rows:
    rows = [["batch", "updates", "before", "lowest", "after"]]
    for batch, (updates, gap) in enumerate(zip(one["updates"][1:], one["gaps"], strict=True), 2):
        rows.append([str(batch), str(updates), *(number(each) for each in gap)])
    return rows


def _conflict(found: Mapping[str, Any]) -> list[Titled]:
    rows = [["zeroed", "heads", "context", "weights", "margin, nats", "general", "perplexity"]]
    names = ("context", "weights", "margin", "general", "general_perplexity")
    for kind, heads in dict.fromkeys((one["kind"], one["heads"]) for one in found["zeroed"]):
        each = [one for one in found["zeroed"] if (one["kind"], one["heads"]) == (kind, heads)]
        means = [number(mean(one[name] for one in each)) for name in names]
        rows.append([kind, str(heads), *means])
    best = [["layer", "head", "score, nats"]]
    ranked = found["heads"]
    shown = ranked if len(ranked) <= 8 else [*ranked[:4], *ranked[-4:]]
    best += [[str(layer), str(head), number(score)] for layer, head, score in shown]
    return [
        (f"Weights against context: what {found['facts_read']} facts are answered from", rows),
        ("Heads that promote the weights' answer most, and least", best),
    ]


_OF = {"settings": _settings, "edits": _edits, "retention": _retention, "conflict": _conflict}


def number(value: float | None) -> str:
    """As a report shows it; nothing for None."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"
