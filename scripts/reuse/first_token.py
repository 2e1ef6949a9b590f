"""Time to the first token, from each place, beside the floor of that place; and the overlap."""

from __future__ import annotations

import statistics
from dataclasses import asdict

from mnemon.kv.reuse import keys
from mnemon.kv.tiers import Tiers
from reuse.context import Context
from reuse.machine import cool, copy_rate, disk_rate, fresh_peak, median, peak, seconds

QUESTIONS = (64, 2048)


def measure(context: Context, found: dict) -> None:
    """Everything about one length, put into `found` as it is known."""
    found["tokens"] = context.tokens
    with context.tiers() as tiers:
        found |= context.keep(tiers)
        found["prefill_s"] = median(context.compute, 2)
        found |= _host(context, tiers)
        found["overlap"] = [_overlap(context, tiers, one) for one in _questions(context)]
        found["explain_host"] = _explained(context, tiers)
    found["copy_gb_s"] = copy_rate(context.model.device) / 1e9
    found["floor_host_s"] = found["kv_gb"] / found["copy_gb_s"]
    print(found, flush=True)
    found |= _disk(context)
    found["floor_disk_s"] = found["kv_gb"] / found["disk_gb_s"]


def _questions(context: Context) -> list[int]:
    return [one for one in QUESTIONS if one <= max(64, context.tokens)]


def _host(context: Context, tiers: Tiers) -> dict[str, float]:
    prefixes = context.prefixes(tiers)
    context.first(prefixes)
    fresh_peak()
    times = {"host_s": median(lambda: context.first(prefixes), 5), "host_peak_gb": peak()}
    context.streamed(prefixes, tiers)
    fresh_peak()
    streamed = median(lambda: context.streamed(prefixes, tiers), 5)
    return times | {"host_streamed_s": streamed, "host_streamed_peak_gb": peak()}


def _overlap(context: Context, tiers: Tiers, question: int) -> dict[str, float]:
    """Time saved by streaming, in parts of the smaller of loading and computing."""
    prefixes = context.prefixes(tiers)
    load = median(lambda: context.begin(prefixes, question), 5)
    computing = []
    for _ in range(5):
        cache = context.begin(prefixes, question).cache
        rest = context.prompt(question)[context.tokens :]
        computing.append(seconds(lambda cache=cache, rest=rest: context.go_on(cache, rest)))
        del cache
    compute = statistics.median(computing)
    both = median(lambda: context.first(prefixes, question), 5)
    streamed = median(lambda: context.streamed(prefixes, tiers, question), 5)
    return {
        "question": question, "load_s": load, "compute_s": compute, "load_then_compute_s": both,
        "streamed_s": streamed, "efficiency": (load + compute - streamed) / min(load, compute),
    }  # fmt: skip


def _disk(context: Context) -> dict:
    """Three times as a process that has just begun, with the files put out of memory before."""
    rates = [disk_rate(context.folder) for _ in range(2)]
    times = []
    for _ in range(3):
        # Pinned memory for as much as is prefetched is taken at once.
        with context.tiers(host="4GB") as tiers:
            prefixes = context.prefixes(tiers)
            cool(context.folder)
            times.append(seconds(lambda prefixes=prefixes: context.first(prefixes)))
        fresh_peak()
    with context.tiers() as tiers:
        explained = _explained(context, tiers)
    return {
        "disk_s": statistics.median(times), "disk_times_s": times, "disk_gb_s": max(rates) / 1e9,
        "explain_disk": explained,
    }  # fmt: skip


def _explained(context: Context, tiers: Tiers) -> dict:
    """What these tiers say of the first block."""
    root = context.prefixes(tiers).root()
    first = keys.chain(root, context.prompt()[: context.block], context.block)
    return asdict(tiers.explain(first)[0])
