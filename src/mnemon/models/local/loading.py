"""Loading: a bundled model's name, a folder or a hub's name → a model and its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mnemon.errors import InvalidInput
from mnemon.models import recall_lm
from mnemon.models.extras import require

BUNDLED = ("recall-lm", "nano")


class Loaded(NamedTuple):
    """A causal language model of transformers in evaluation mode, and its tokenizer."""

    model: Any
    tokenizer: Any


def load(
    name: str | Path = "recall-lm", *, device: str | None = None, dtype: str | None = None,
    trust_remote_code: bool = False,
) -> Loaded:  # fmt: skip
    """A model to talk to.

    Args:
        name: `recall-lm` or `nano` (in the package), a folder, or a name on the Hugging Face hub,
            which is then downloaded unless it was before.
        device: such as `cuda` or `cpu`; a GPU if there is one.
        dtype: `float32`, `bfloat16` or `float16`; by default the one the weights are kept in, and
            float32 for the bundled models.
        trust_remote_code: run Python code that lies beside the weights.

    Raises:
        InvalidInput: there is no such model, device or dtype, or it is no causal language model.
        MissingExtra: torch or transformers is not installed.
    """
    if dtype is not None and dtype not in recall_lm.DTYPES:
        raise InvalidInput(f"no dtype is called {dtype!r}: take {', '.join(recall_lm.DTYPES)}")
    torch = require("torch", "torch", "kv")
    transformers = require("transformers", "transformers", "kv")
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if name in BUNDLED:
        found = Loaded(*recall_lm.load(nano=name == "nano", dtype=dtype or "float32"))
    else:
        _check_folder(name)
        found = _read(transformers, str(name), dtype or "auto", trust_remote_code)
    try:
        return Loaded(found.model.to(place).eval(), found.tokenizer)
    except (RuntimeError, AssertionError) as error:  # what torch raises for a device it lacks
        raise InvalidInput(f"the model cannot go to device {place!r}: {error}") from error


def both(model: Any, tokenizer: Any = None) -> Loaded:
    """A model and its tokenizer, of whatever names a model: a name for `load`, what it gave, or a
    model of transformers."""
    if isinstance(model, str | Path):
        model = load(model)
    if isinstance(model, Loaded | recall_lm.Loaded):
        return Loaded(model.model, model.tokenizer if tokenizer is None else tokenizer)
    return Loaded(model, tokenizer_of(model) if tokenizer is None else tokenizer)


def tokenizer_of(model: Any) -> Any:
    """The tokenizer that lies beside a loaded model's weights.

    Raises:
        InvalidInput: nothing says where that is, or there is none.
    """
    place = getattr(model, "name_or_path", "")
    if not place:
        raise InvalidInput("the model does not say where it came from: pass its tokenizer=")
    transformers = require("transformers", "transformers", "kv")
    try:
        return transformers.AutoTokenizer.from_pretrained(place)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"there is no tokenizer at {place!r}: pass it as tokenizer=") from error


def _check_folder(name: str | Path) -> None:
    path = Path(name).expanduser()
    if path.is_dir() and not (path / "config.json").is_file():
        raise InvalidInput(f"{path} is no model folder: it has no config.json")
    looks_local = isinstance(name, Path) or str(name).startswith((".", "/", "~"))
    if looks_local and not path.is_dir():
        raise InvalidInput(
            f"there is no folder {path}: name one, a model of the hub such as"
            f" 'owner/name', or one of {', '.join(BUNDLED)}"
        )


def _read(transformers: Any, name: str, dtype: str, trust: bool) -> Loaded:
    place = str(Path(name).expanduser()) if Path(name).expanduser().is_dir() else name
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            place, dtype=dtype, trust_remote_code=trust
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, trust_remote_code=trust)
    except (OSError, ValueError) as error:
        first = str(error).strip().partition("\n")[0]
        raise InvalidInput(
            f"{name!r} cannot be loaded as a causal language model: {first} (bundled models are"
            f" {', '.join(BUNDLED)}; anything else is a folder or a name on the hub)"
        ) from error
    return Loaded(model, tokenizer)
