"""recall-lm: a language model of 7.6 million parameters that recalls, in the package.

    from mnemon.models import recall_lm
    model, tokenizer = recall_lm.load()

It speaks the language of `mnemon.bench.recall` only. README.md beside this file is its card: what
it was trained on, what it reaches, and what must not be concluded from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mnemon.errors import InvalidInput
from mnemon.models.extras import require

DTYPES = ("bfloat16", "float16", "float32")
_NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


class Loaded(NamedTuple):
    """A transformers model in evaluation mode, and its tokenizer."""

    model: Any
    tokenizer: Any


def path(*, nano: bool = False) -> Path:
    """The folder of the model, or of its sibling for smoke tests, a million parameters."""
    here = Path(__file__).parent
    return here / "nano" if nano else here


def load(
    folder: str | Path | None = None, *, nano: bool = False, dtype: str = "float32",
    device: str = "cpu", attention: str = "sdpa",
) -> Loaded:  # fmt: skip
    """The model as transformers' `LlamaForCausalLM`; nothing is downloaded.

    Args:
        folder: another model folder, such as `mnemon bench train-recall-lm` writes.
        nano: the small sibling; not together with a folder.
        dtype: one of `DTYPES`; "float32" is the fastest on most CPUs, "bfloat16" is how it is kept.
        device: where it goes, such as "cuda".
        attention: transformers' `attn_implementation`; "eager" can return attention weights.

    Raises:
        InvalidInput: no model folder, or no such dtype.
        MissingExtra: torch or transformers is not installed.
    """
    place = _checked(path(nano=nano) if folder is None else Path(folder), dtype)
    torch = require("torch", "torch", "kv")
    transformers = require("transformers", "transformers", "kv")
    with _quietly(transformers.utils.logging):
        model = transformers.LlamaForCausalLM.from_pretrained(
            place, dtype=getattr(torch, dtype), attn_implementation=attention, local_files_only=True
        )
        tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(
            place, local_files_only=True
        )
    return Loaded(model.to(device).eval(), tokenizer)


@contextmanager
def _quietly(logging: Any) -> Iterator[None]:
    """Without a progress bar: it takes a tenth of a second."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _checked(folder: Path, dtype: str) -> Path:
    if dtype not in DTYPES:
        raise InvalidInput(f"no dtype is called {dtype!r}: take one of {', '.join(DTYPES)}")
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise InvalidInput(
            f"{folder} is no model folder (no {', '.join(missing)}): name one that "
            "`mnemon bench train-recall-lm` wrote, or leave it out for the bundled model"
        )
    return folder
