"""A row of the table, what is made of several seeds, and what the two own methods promise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mnemon.bench import provenance


@dataclass(frozen=True)
class Row:
    """A setting on a job: means over the seeds, the most bytes of all; or why it cannot run.

    Attributes:
        weights, gradients, state, activations: bytes. live: the most of all torch tensors but the
            weights at once, temporary ones too. resident: the most of the whole process.
        allocated, reserved: of a CUDA device, the most that tensors had, and that torch held.
        beside: what the row added to the device beside that: pages of `paged-adamw-8bit` above all.
        host: what the process grew by, pinned memory included. These four are None on the CPU.
        first_seconds: of the first step. step_seconds: the median of the timed ones.
        step_cpu_seconds: of a step. tokens: that a step goes over.
        loss, held_out, recall: see `jobs.Reached`; None where a seed diverged.
        losses, held_outs: of each seed.
    """

    job: str
    setting: str
    method: str
    offload: str | None
    options: dict[str, Any]
    refused: str | None = None
    weights: int = 0
    gradients: int = 0
    state: int = 0
    activations: int = 0
    live: int = 0
    resident: int | None = None
    allocated: int | None = None
    reserved: int | None = None
    beside: int | None = None
    host: int | None = None
    tokens: int = 0
    first_seconds: float = 0.0
    step_seconds: float = 0.0
    step_cpu_seconds: float = 0.0
    loss: float | None = None
    held_out: float | None = None
    recall: float | None = None
    losses: tuple[float | None, ...] = ()
    held_outs: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class ConsolidationTable:
    """One run of `mnemon bench consolidation`.

    Attributes:
        scale_bytes_to_adam, scale_loss_to_adam, scale_loss_to_sgd: weights and optimizer state, and
            the loss at the end, of `scale` by those of the others, trained from scratch.
        ist_bytes_to_all: gradients and optimizer state of `ist`, by those of all layers' adapters.
        ist_held_out_to_uniform: its held-out loss by that of layers drawn uniformly.
    """

    scale_bytes_to_adam: float | None
    scale_loss_to_adam: float | None
    scale_loss_to_sgd: float | None
    ist_bytes_to_all: float | None
    ist_held_out_to_uniform: float | None
    rows: tuple[Row, ...]
    context: dict[str, Any]
    origin: provenance.Origin


def merged(told: Row, found: Sequence[dict[str, Any]]) -> Row:
    """One row of what each seed gave: the most bytes, the mean of the rest."""
    most = (
        "weights", "gradients", "state", "activations", "live", "resident", "allocated", "reserved",
        "beside", "host", "tokens",
    )  # fmt: skip
    mean = ("first_seconds", "step_seconds", "step_cpu_seconds", "loss", "held_out", "recall")
    values = {name: _of([one[name] for one in found], max) for name in most}
    values |= {name: _of([one[name] for one in found], np.mean) for name in mean}
    return replace(
        told, **values,
        losses=tuple(_finite(one["loss"]) for one in found),
        held_outs=tuple(_finite(one["held_out"]) for one in found),
    )  # fmt: skip


def _of(values: Sequence[Any], how: Callable[[Any], Any]) -> Any:
    if None in values:
        return None
    return _finite(float(how(values))) if how is np.mean else how(values)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def ratios(rows: Sequence[Row]) -> dict[str, float | None]:
    """What a `ConsolidationTable` says of two rows together; None where one of them is missing."""
    by = {(one.job, one.setting): one for one in rows if one.refused is None}
    scale, adam, sgd = (by.get(("scratch", one)) for one in ("scale", "adamw", "sgd"))
    ist, uniform, every = (by.get(("lora", one)) for one in ("ist", "ist uniform", "adamw"))
    return {
        "scale_bytes_to_adam": _by(scale, adam, lambda one: one.weights + one.state),
        "scale_loss_to_adam": _by(scale, adam, lambda one: one.loss),
        "scale_loss_to_sgd": _by(scale, sgd, lambda one: one.loss),
        "ist_bytes_to_all": _by(ist, every, lambda one: one.gradients + one.state),
        "ist_held_out_to_uniform": _by(ist, uniform, lambda one: one.held_out),
    }


def _by(one: Row | None, other: Row | None, what: Callable[[Row], Any]) -> float | None:
    if one is None or other is None:
        return None
    mine, theirs = what(one), what(other)
    return None if mine is None or not theirs else mine / theirs
