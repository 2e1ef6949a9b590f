"""Loading the model that policies are measured on, once in each process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnemon.bench.kv.cells import code_digest
from mnemon.errors import InvalidInput
from mnemon.models import recall_lm
from mnemon.models.extras import require

if TYPE_CHECKING:
    from mnemon.bench.kv.measuring import Bench
    from mnemon.kv.profile import HeadProfile

BUNDLED = "recall-lm"
NANO = "nano"
_AT_ONCE = {"cpu": 8192}
_MANY = 65_536


@dataclass(frozen=True)
class Which:
    """Which model, where, and in which precision.

    Attributes:
        model: `recall-lm`, its small sibling `nano`, a folder, or a name on the Hugging Face hub.
        device: such as `cpu`, `cuda`. dtype: such as `bfloat16`.
        at_once: tokens of the prompts of a batch, at most; None: 8,192 on a CPU, else 65,536.
    """

    model: str = BUNDLED
    device: str = "cpu"
    dtype: str = "float32"
    at_once: int | None = None

    def load(self) -> Bench:
        """The model, ready to measure on.

        Raises:
            InvalidInput: no such model or dtype, or none that is a causal language model.
            MissingExtra: torch or transformers is not installed.
        """
        from mnemon.bench.kv.measuring import Bench

        if self.model in (BUNDLED, NANO):
            nano = self.model == NANO
            model = recall_lm.load(nano=nano, dtype=self.dtype, device=self.device).model
        else:
            model = self._foreign()
        at_once = self.at_once or _AT_ONCE.get(model.device.type, _MANY)
        tokenizer = self.tokenizer()
        context = self._context(model) | {
            "language": "recall" if tokenizer is None else "text",
            "batch_tokens": at_once,
        }
        return Bench(model, context, tokenizer, at_once)

    def tokenizer(self) -> Any:
        """What turns the tasks into the model's tokens; None if it speaks the recall language."""
        if self.model in (BUNDLED, NANO):
            return None
        transformers = require("transformers", "transformers", "kv")
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(self.model)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"model {self.model!r} has no tokenizer: {error}") from error
        return None if _speaks(tokenizer) else tokenizer

    def _foreign(self) -> Any:
        torch, transformers = (require(name, name, "kv") for name in ("torch", "transformers"))
        if self.dtype not in recall_lm.DTYPES:
            raise InvalidInput(f"dtype {self.dtype!r}: one of {', '.join(recall_lm.DTYPES)}")
        try:
            model = transformers.AutoModelForCausalLM.from_pretrained(
                self.model, dtype=getattr(torch, self.dtype)
            )
        except (OSError, ValueError) as error:
            raise InvalidInput(f"model {self.model!r} cannot be loaded: {error}") from error
        return model.to(self.device).eval()

    def _context(self, model: Any) -> dict[str, Any]:
        """What decides rows besides their cells."""
        from mnemon.kv import profile

        torch, transformers = (require(name, name, "kv") for name in ("torch", "transformers"))
        cuda = model.device.type == "cuda"
        return {
            "model": self.model,
            "weights": profile.fingerprint(model),
            "heads": _heads(profile.find(model)),
            "device": torch.cuda.get_device_name() if cuda else model.device.type,
            "dtype": self.dtype,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "code": code_digest(),
        }


def _heads(found: HeadProfile | None) -> str:
    """A digest of a head profile, which policies may follow; what there is none of is `none`."""
    if found is None:
        return "none"
    return hashlib.sha256(json.dumps(found.weights).encode()).hexdigest()[:16]


def _speaks(tokenizer: Any) -> bool:
    """Whether a tokenizer's ids are those of the recall language."""
    from mnemon.bench.recall import words

    known = words()
    return len(tokenizer) == len(known) and tokenizer.convert_ids_to_tokens(
        list(range(len(known)))
    ) == list(known)
