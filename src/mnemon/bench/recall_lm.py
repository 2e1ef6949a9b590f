"""`mnemon bench recall-lm`: exact match of a model folder, by task and length.

An answer counts if every token of it, `<eos>` too, is the model's first choice after the right ones
before it: then, and only then, greedy decoding gives exactly that answer. One forward pass a batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnemon.bench import provenance
from mnemon.bench.recall import TASKS, Sample, sample
from mnemon.bench.report import Rows, markdown
from mnemon.errors import InvalidInput, UnknownName
from mnemon.models import recall_lm
from mnemon.models.extras import require

_TOKENS = {"cpu": 4096}  # at once; elsewhere:
_MANY = 65_536


@dataclass(frozen=True, slots=True)
class Exact:
    """How many of `samples` of a task and length (tokens) were answered exactly."""

    task: str
    length: int
    right: int
    samples: int


@dataclass(frozen=True, slots=True)
class RecallTable:
    """One run of `mnemon bench recall-lm`."""

    model: Mapping[str, Any]
    exact: tuple[Exact, ...]
    seconds: float
    machine: Mapping[str, Any]
    code: Mapping[str, str]
    command: str
    date: str
    seed: int


def run_recall_lm(
    folder: str | Path | None = None, lengths: Sequence[int] = (512, 1024),
    tasks: Sequence[str] = TASKS, samples: int = 8, *, nano: bool = False, device: str = "cpu",
    dtype: str | None = None, seed: int = 0, progress: Callable[[int, int], None] | None = None,
) -> RecallTable:  # fmt: skip
    """Measure a model on held-out samples.

    Args:
        folder: a model folder; by default the bundled model, or with `nano` its small sibling.
        lengths: tokens of a sample, question and answer counted in.
        tasks: some of `TASKS`.
        samples: how many of each task and length.
        dtype: by default float32 on a CPU and bfloat16 elsewhere.
        seed: of the first sample; the others' follow.
        progress: called with (done, in all), in cells of the table.

    Raises:
        InvalidInput: no model folder; a length that a task or the model has no room for.
        UnknownName: no such task.
        MissingExtra: torch or transformers is not installed.
    """
    began, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    dtype = dtype or ("float32" if device == "cpu" else "bfloat16")
    model = recall_lm.load(folder, nano=nano, dtype=dtype, device=device).model
    _check(lengths, tasks, model.config.max_position_embeddings)
    cells = [(length, task) for length in lengths for task in tasks]
    exact = []
    for done, (length, task) in enumerate(cells, start=1):
        drawn = [sample(task, length, seed + number) for number in range(samples)]
        exact.append(Exact(task, length, sum(answered(model, drawn)), samples))
        if progress is not None:
            progress(done, len(cells))
    return RecallTable(
        _facts(model, folder, nano, dtype), tuple(exact), round(time.monotonic() - clock, 1),
        provenance.machine(), provenance.code(), _command(folder, nano, lengths, tasks, samples),
        began, seed,
    )  # fmt: skip


def answered(model: Any, samples: Sequence[Sample]) -> list[bool]:
    """Which samples, all of one length, a model answers exactly: the first question of each."""
    torch = require("torch", "torch", "kv")
    at_once = max(1, _TOKENS.get(model.device.type, _MANY) // len(_whole(samples[0])))
    found: list[bool] = []
    for start in range(0, len(samples), at_once):
        some = samples[start : start + at_once]
        tokens = torch.tensor([_whole(one) for one in some], device=model.device)
        ending = max(len(one.answer) for one in some)
        with torch.inference_mode():
            logits = model(tokens, use_cache=False, logits_to_keep=ending + 1).logits
        right = (logits[:, :-1].argmax(-1) == tokens[:, -ending:]).tolist()
        pairs = zip(some, right, strict=True)
        found += [all(row[-len(one.answer) :]) for one, row in pairs]
    return found


def _whole(one: Sample) -> tuple[int, ...]:
    return one.prompt() + one.answer


def render(found: RecallTable) -> str:
    """Markdown: the table and where it comes from."""
    about = ", ".join(f"{name} {value}" for name, value in found.model.items())
    machine = f"{found.machine['cpu']}, {found.machine['cores']} cores, {found.date}"
    return f"{markdown(rows(found))}\n{about}; {machine}; `{found.command}`\n"


def rows(found: RecallTable) -> Rows:
    """A line a length, a column a task: percent of answers that are exact."""
    tasks = list(dict.fromkeys(one.task for one in found.exact))
    lengths = list(dict.fromkeys(one.length for one in found.exact))
    share = {(one.length, one.task): one.right / one.samples for one in found.exact}
    body = [
        [str(length), *(f"{100 * share[length, task]:.1f}" for task in tasks)] for length in lengths
    ]
    return [["tokens", *tasks], *body]


def _check(lengths: Sequence[int], tasks: Sequence[str], positions: int) -> None:
    for task in tasks:
        if task not in TASKS:
            raise UnknownName(f"no recall task is called {task!r}: there are {', '.join(TASKS)}")
    for length in lengths:
        if length > positions:
            raise InvalidInput(f"the model was trained to {positions} tokens; {length} are more")


def _facts(model: Any, folder: str | Path | None, nano: bool, dtype: str) -> dict[str, Any]:
    torch, transformers = (require(name, name, "kv") for name in ("torch", "transformers"))
    on_gpu = model.device.type == "cuda"
    return {
        "model": str(folder) if folder else "recall-lm nano" if nano else "recall-lm",
        "parameters": model.num_parameters(),
        "dtype": dtype,
        "device": torch.cuda.get_device_name() if on_gpu else model.device.type,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def _command(
    folder: str | Path | None, nano: bool, lengths: Sequence[int], tasks: Sequence[str], count: int
) -> str:
    told = "mnemon bench recall-lm"
    told += f" {folder}" if folder else " --nano" if nano else ""
    told += f" --lengths {','.join(map(str, lengths))} --samples {count}"
    return told if tuple(tasks) == TASKS else f"{told} --tasks {','.join(tasks)}"
