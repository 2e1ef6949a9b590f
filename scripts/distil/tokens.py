"""The teacher's word-pieces: what the student keeps of its vocabulary, and texts as ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

CLS, SEP = 101, 102
# No text has these as a token.
_NEVER = ("[CLS]", "[SEP]", "[MASK]")
_AT_ONCE = 20_000


class Tokens:
    """The tokenizer in the teacher's folder, without special tokens, cutting or padding.

    Attributes:
        size: V, of the teacher's whole vocabulary.
        unknown: the id of `[UNK]`.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.size: int = self._tokenizer.get_vocab_size()
        self.unknown: int = self._tokenizer.token_to_id("[UNK]")
        if [self._tokenizer.id_to_token(id) for id in (CLS, SEP)] != ["[CLS]", "[SEP]"]:
            raise ValueError(f"the tokenizer in {folder} has not the vocabulary of BERT, uncased")

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each of `texts`, `[UNK]` included."""
        found: list[list[int]] = []
        for start in range(0, len(texts), _AT_ONCE):
            part = list(texts[start : start + _AT_ONCE])
            encoded = self._tokenizer.encode_batch(part, add_special_tokens=False)
            found += (one.ids for one in encoded)
        return found

    def kept(self) -> dict[str, int]:
        """The pieces that the written model has, and the teacher's id of each, rising."""
        ids = sorted(self._tokenizer.get_vocab().items(), key=lambda entry: entry[1])
        return {
            piece: id
            for piece, id in ids
            if piece not in _NEVER and not piece.startswith("[unused")
        }
