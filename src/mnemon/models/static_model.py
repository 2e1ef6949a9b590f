"""Reading a static model's folder: a table of vectors, a tokenizer, and the card that names them.

`vectors.npy` is int8 [V, D] and stays on disk (memory-mapped); `scales.npy` is float32 [V];
`tokenizer.json` is in the format of Hugging Face `tokenizers`; `card.json` says what they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.errors import EmbedderError, InvalidText

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

BUNDLED = Path(__file__).parent / "static"
# One call into the tokenizer: enough to share among cores, little enough for a few MB.
BATCH_TEXTS, BATCH_CHARACTERS = 256, 2**15


@dataclass(frozen=True)
class Card:
    """What `StaticEmbedder` reads of `card.json`; the rest of it is for people."""

    model: str
    revision: str
    dimension: int
    tokenizer_sha256: str


@dataclass(frozen=True)
class Table:
    """A loaded model: vectors int8 [V, D], scales float32 [V], the id of the unknown token."""

    tokenizer: Tokenizer
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]
    unknown: int

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        """The word-pieces of each text, in order, without special tokens.

        Raises:
            InvalidText: a text is no str, or has a lone surrogate.
        """
        for batch in _batches(texts):
            try:
                yield from self.tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            except (TypeError, UnicodeEncodeError) as error:
                raise InvalidText(
                    f"a text cannot be tokenised ({error}): every text must be a str without "
                    "lone surrogates"
                ) from error

    def rows(self, ids: list[int]) -> NDArray[np.float32]:
        """The weighted vectors of the known ids, float32 [T, D]."""
        import numpy as np

        known = np.array(ids, dtype=np.intp)
        known = known[known != self.unknown]
        rows: NDArray[np.float32] = self.vectors[known].astype(np.float32)
        rows *= self.scales[known, None]
        return rows


@cache
def read_card(folder: Path) -> Card:
    """The card of the model in `folder`, read once per process.

    Raises:
        EmbedderError: there is none, or it lacks a field.
    """
    try:
        card = json.loads((folder / "card.json").read_text("utf-8"))
        digest = card["sha256"]["tokenizer.json"]
        return Card(str(card["model"]), str(card["revision"]), int(card["dimension"]), digest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"card.json: {error!r}") from error


@cache
def load(folder: Path) -> Table:
    """The model in `folder`, loaded once per process in some 20 ms.

    Raises:
        EmbedderError: a file is missing, or is not what the card says.
    """
    import numpy as np
    from tokenizers import Tokenizer

    card = read_card(folder)
    try:
        tokenizer_json = (folder / "tokenizer.json").read_bytes()
        # A plain view of the map: indexing np.memmap itself costs twice as much.
        vectors = np.asarray(np.load(folder / "vectors.npy", mmap_mode="r"))
        scales = np.load(folder / "scales.npy")
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(folder, error) from error
    # The library raises a bare `Exception` on a bad file: know beforehand that it is good.
    if hashlib.sha256(tokenizer_json).hexdigest() != card.tokenizer_sha256:
        raise _damaged(folder, "tokenizer.json is not the one that card.json names")
    tokenizer = Tokenizer.from_buffer(tokenizer_json)
    size = (tokenizer.get_vocab_size(), card.dimension)
    if vectors.dtype != np.int8 or vectors.shape != size or scales.shape != size[:1]:
        raise _damaged(folder, f"vectors are {vectors.dtype} {vectors.shape}, not int8 {size}")
    unknown = tokenizer.token_to_id("[UNK]")
    return Table(tokenizer, vectors, scales, -1 if unknown is None else unknown)


def _damaged(folder: Path, why: object) -> EmbedderError:
    return EmbedderError(
        f"the static model in {folder} cannot be used ({why}): reinstall mnemon, "
        "or make the folder with scripts/distil_static.py"
    )


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == BATCH_TEXTS or characters + len(text) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
