"""The record as JSON and as Markdown, each figure beside what it must reach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnemon.bench.report import Rows, markdown, texts
from mnemon.bench.reuse.run import ReuseRecord

RECORD, REPORT = "reuse.json", "reuse.md"
TARGETS = {
    "ttft_ratio_host": (0.125, "at most"),
    "ttft_ratio_disk": (0.25, "at most"),
    "greedy_identical": (1.0, "at least"),
    "blend_accuracy_ratio": (0.95, "at least"),
    "blend_recomputed": (0.2, "at most"),
}
"""What each figure must reach, and from which side."""


def figures(found: ReuseRecord) -> dict[str, float]:
    """What the run came to, by name; docs/measurements/reuse.md says what each means."""
    first, plain, chat = found.first_token, found.greedy[0], found.chat
    return {
        "ttft_ratio_host": first.ratio_host,
        "ttft_ratio_disk": first.ratio_disk,
        "ttft_full_s": first.full,
        "ttft_host_s": first.host,
        "ttft_disk_s": first.disk,
        "greedy_identical": plain.same / plain.prompts,
        "greedy_bits_equal": plain.bits / plain.prompts,
        **{f"verify_difference_{one.dtype}": one.difference for one in found.greedy},
        "chat_first": chat.live[0],
        "chat_second": chat.live[min(1, len(chat.live) - 1)],
        "chat_last": chat.live[-1],
        "chat_slope": chat.slope,
        "chat_rested_most": max(chat.rested[1:], default=chat.rested[0]),
        "chat_rested_slope": chat.rested_slope,
        "runtime_first": found.talk.computed[0],
        "runtime_last": found.talk.computed[-1],
        "runtime_slope": found.talk.slope,
        "verify_looked": found.talk.looked,
        "verify_differed": found.talk.differed,
        "verify_largest": found.talk.largest,
        **found.blend_figures,
    }


def to_json(found: ReuseRecord) -> str:
    """`figures` at the top, then `targets`, and every part as it was measured."""
    told: dict[str, Any] = {
        **figures(found),
        "targets": {name: list(one) for name, one in TARGETS.items()},
        **asdict(found),
    }
    return json.dumps(told, indent=1, ensure_ascii=False, default=str) + "\n"


def render(found: ReuseRecord) -> str:
    """The report in Markdown."""
    parts = [f"# Reuse of keys and values\n\n{_about(found)}"]
    parts += [f"## {title}\n\n{markdown(rows).rstrip()}" for title, rows in tables(found)]
    return "\n\n".join([*parts, _origin(found)]) + "\n"


def save(found: ReuseRecord, folder: Path) -> list[Path]:
    """Write the record and the report; the files written."""
    return texts(folder, {RECORD: to_json(found), REPORT: render(found)})


def tables(found: ReuseRecord) -> Iterator[tuple[str, Rows]]:
    """Titles and tables."""
    yield "What must be reached", _reached(found)
    yield _first_token(found)
    yield "Greedy output of a kept prefix beside recomputation", _greedy(found)
    yield _chat(found)
    yield "What turns came to", _turns(found)
    yield "What the tiers say of a block", _explained(found)
    yield _blend(found)
    yield _episodes(found)
    if found.explicit:
        yield "Explicit memories of references", _explicit(found)


def _reached(found: ReuseRecord) -> Rows:
    told = figures(found)
    rows = [["figure", "measured", "wanted", ""]]
    for name, (wanted, side) in TARGETS.items():
        value = told[name]
        good = value <= wanted if side == "at most" else value >= wanted
        rows.append([name, f"{value:.3f}", f"{side} {wanted:g}", "yes" if good else "NO"])
    return rows


def _first_token(found: ReuseRecord) -> tuple[str, Rows]:
    first = found.first_token
    rows = [["from", "seconds", "fastest", "slowest", "of full"]]
    for way, name in (("full", "nothing kept"), ("host", "host memory"), ("disk", "disk")):
        seconds, (least, most) = getattr(first, way), first.spread[way]
        rows.append(
            [name, f"{seconds:.3f}", f"{least:.3f}", f"{most:.3f}", f"{seconds / first.full:.3f}"]
        )
    share = f"{first.reused} of {first.tokens} tokens kept, {first.nbytes / 1e6:.0f} MB"
    return f"Time to the first token: {share}", rows


def _greedy(found: ReuseRecord) -> Rows:
    rows = [["precision", "prompts", "same tokens", "same bits", "largest difference"]]
    for one in found.greedy:
        rows.append(
            [one.dtype, *map(str, (one.prompts, one.same, one.bits)), f"{one.difference:.1e}"]
        )
    return rows


def _chat(found: ReuseRecord) -> tuple[str, Rows]:
    one = found.chat
    rows = [["a chat", "first turn", "second", "last", "most after the first", "slope"]]
    for name, counts, slope in (
        ("live", one.live, one.slope),
        ("at rest between turns", one.rested, one.rested_slope),
        ("with nothing kept", one.prompt, one.prompt_slope),
        ("a runtime with a memory", found.talk.computed, found.talk.slope),
        ("the same with nothing kept", found.talk.prompt, found.talk.prompt_slope),
    ):
        later = counts[1:] or counts
        rows.append(
            [name, *map(str, (counts[0], later[0], counts[-1], max(later))), f"{slope:.2f}"]
        )
    title = f"Tokens computed in each of {len(one.live)} turns"
    return title, rows


def _turns(found: ReuseRecord) -> Rows:
    one, turns = found.talk, len(found.talk.computed)
    return [
        ["", ""],
        ["answers of the two token-level chats that are right", f"{found.chat.right:.0%}"],
        ["answers of the runtime that are right", f"{one.right}/{turns}"],
        ["turns of it that were compared with recomputation", str(one.looked)],
        ["of these, too far off", str(one.differed)],
        ["largest difference of a logit", f"{one.largest:.1e}"],
    ]


def _explained(found: ReuseRecord) -> Rows:
    rows = [["tier", "load, ms", "compute, ms", "done", "break-even, tokens"]]
    for one in found.first_token.explained:
        load, compute, even = one.load_seconds, one.compute_seconds, one.break_even_tokens
        numbers = ["" if n is None else f"{n * 1e3:.2f}" for n in (load, compute)]
        done = "load" if one.load else "compute"
        rows.append([one.tier or "nowhere", *numbers, done, "" if even is None else f"{even:.1f}"])
    return rows


def _blend(found: ReuseRecord) -> tuple[str, Rows]:
    rows = [["task", "method", "right", "of full", "KL", "recomputed", "work", "TTFT of full"]]
    full = {one.task: one.accuracy for one in found.blend if one.method == "full"}
    for one in found.blend:
        share = one.accuracy / full[one.task] if full[one.task] else float("nan")
        rows.append(
            [one.task, one.method, f"{one.right}/{one.samples}", f"{share:.2f}",
             f"{one.divergence:.3f}", f"{one.recomputed:.3f}", f"{one.work:.3f}",
             f"{one.ratio:.2f}"]
        )  # fmt: skip
    first = found.blend[0]
    return f"Blending {first.chunks} chunks, {first.tokens} tokens", rows


def _episodes(found: ReuseRecord) -> tuple[str, Rows]:
    rows = [["method", "right", "held, KB", "peak, KB", "of full"]]
    for one in found.episodes:
        held, peak = (f"{count / 1e3:.0f}" for count in (one.held, one.peak))
        rows.append(
            [one.method, f"{one.right}/{one.asked}", held, peak, f"{one.held / one.full:.3f}"]
        )
    return "A conversation of several sessions under one budget", rows


def _explicit(found: ReuseRecord) -> Rows:
    rows = [["way", "right", "found", "smaller", "read, ms", "passed"]]
    for one in found.explicit:
        rows.append(
            [one.way, f"{one.right}/{one.asked}", f"{one.found}/{one.asked}", f"{one.smaller:.1f}",
             f"{one.read * 1e3:.1f}", str(one.passed)]
        )  # fmt: skip
    return rows


def _about(found: ReuseRecord) -> str:
    plan = found.plan
    return (
        f"{plan.model}, {found.threads} threads, float32; medians over {plan.samples} contexts of"
        f" {plan.repeats} loads each. Disk: the system was asked to let go of the files before each"
        " load; what the disk or the machine's host keeps is out of reach."
    )


def _origin(found: ReuseRecord) -> str:
    cpu, cores = (found.origin.machine[name] for name in ("cpu", "cores"))
    return f"`{found.origin.command}`; {cpu}, {cores} cores; {found.origin.date}"
