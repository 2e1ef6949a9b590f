"""`mnemon bench train-pool`: a small model that keeps a latent pool."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from mnemon.cli import options
from mnemon.cli.progress import bar


@click.command("train-pool")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--steps",
    type=click.IntRange(1),
    help="Of each stage; by default the recipe's.",
)
@click.option(
    "--long", is_flag=True, help="With the last stage, for m-plus: minutes of a CUDA device."
)
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="Such as cuda.")
@options.seed
def train_pool(folder: Path, steps: int | None, long: bool, device: str, seed: int) -> None:
    """Train the bundled model's small sibling for latent pools, and write it to FOLDER.

    `recall_lm.load` and `mnemon.weights.load_retriever` read it. docs/weights-pool.md tells more.
    """
    from mnemon.models.extras import require

    for name in ("torch", "transformers", "safetensors"):
        require(name, name, "weights")
    from mnemon.bench.pool_training import recipe, run
    from mnemon.models import recall_lm

    told = replace(recipe.LONG if long else recipe.PoolRecipe(), seed=seed)
    if steps is not None:
        stages = ("steps", "store_steps", "retriever_steps")
        told = replace(told, **{name: steps for name in stages if getattr(told, name)})
    model, tokenizer = recall_lm.load(nano=True)
    with bar("training") as progress:
        found = run.train(run.moved(model, device), told, progress)
    folder.mkdir(parents=True, exist_ok=True)
    run.save(model, tokenizer, told, folder)
    click.echo(f"wrote {folder}", err=True)
    click.echo(json.dumps({name: round(one, 4) for name, one in found.items()}))
