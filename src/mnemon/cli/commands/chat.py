"""`mnemon chat`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import options
from mnemon.cli.settings import Settings

if TYPE_CHECKING:
    from mnemon.memory import Memory
    from mnemon.models.local import Runtime


@click.command("chat")
@click.option(
    "--model", default="recall-lm", show_default=True, metavar="PATH_OR_NAME",
    help="recall-lm or nano (in the package), a folder, or a name on the Hugging Face hub.",
)  # fmt: skip
@click.option("--session", metavar="NAME", help="The conversation to go on with; default: a new.")
@click.option("--system", metavar="TEXT", help="What the model is told about itself.")
@click.option(
    "--budget", type=click.IntRange(0), default=1000, show_default=True,
    help="Tokens that recall may take in a turn.",
)  # fmt: skip
@click.option(
    "--reuse", metavar="HOW",
    help="What is not computed again: prefix, blend (recalled cubes that were compiled, too) or "
    "none; default: prefix.",
)  # fmt: skip
@click.option(
    "--kv", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False),
    help="Keep keys and values in this folder too, for the next time.",
)  # fmt: skip
@click.option(
    "--weights", is_flag=False, flag_value="current", metavar="[ALIAS]",
    help="Let adapters trained on the namespace's facts answer what they know, without text: those "
    "of an alias (see `mnemon weights`), by default `current`.",
)  # fmt: skip
@click.option("--once", metavar="TEXT", help="Ask this, print the answer, and end.")
@click.option(
    "--max-new-tokens", type=click.IntRange(1), default=256, show_default=True, metavar="N",
    help="The longest answer.",
)  # fmt: skip
@click.option(
    "--temperature", type=click.FloatRange(0), default=0.0, show_default=True,
    help="0 takes the likeliest word.",
)  # fmt: skip
@click.option("--seed", type=int, help="Of what chance decides, with a temperature.")
@click.option("--device", metavar="NAME", help="As cuda or cpu; by default a GPU if there is one.")
@click.option("--dtype", metavar="NAME", help="float32, bfloat16 or float16; default: as kept.")
@click.option("--trust-remote-code", is_flag=True, help="Run Python code that the model brings.")
@options.program
@options.as_json
@options.place
def command(
    settings: Settings, once: str | None, kv: Path | None, temperature: float, seed: int | None,
    json_: bool, weights: str | None, **how: Any,
) -> None:  # fmt: skip
    """Talk with a local model that remembers.

    Each turn recalls what bears on it, and is stored. A line of a pipe is a turn. Ctrl-C stops an
    answer (the turn is not stored) and, between answers, ends; so does Ctrl-D. --json prints an
    object a turn.

    \b
      /recalled       what was recalled for the last answer, and why
      /trace          which form answered, why, and what it took
      /forget [ID]…   forget cubes, or the last turn, with all that was derived
      /quit           end
    """
    from mnemon.cli import chatting

    with (
        replace(settings, store=settings.own).memory()._prepared() as memory,
        _tiers(kv) as tiers,
        _runtime(memory, tiers, weights=weights or False, **how) as runtime,
    ):
        talk = chatting.Talk(runtime, {"temperature": temperature, "seed": seed}, json_)
        if once is not None:
            talk.say(once)
        elif sys.stdin.isatty() and not json_:
            chatting.interactive(talk)
        else:
            chatting.piped(talk, sys.stdin)


def _runtime(
    memory: Memory, tiers: Any, *, model: str, device: str | None, dtype: str | None,
    trust_remote_code: bool, **given: Any,
) -> Runtime:  # fmt: skip
    from mnemon.models.local import Runtime, load

    loaded = load(model, device=device, dtype=dtype, trust_remote_code=trust_remote_code)
    return Runtime(loaded, memory, tiers=tiers, **given)


def _tiers(folder: Path | None) -> Any:
    from contextlib import nullcontext

    if folder is None:
        return nullcontext()
    from mnemon.kv.tiers import Tiers

    return Tiers(disk=folder)
