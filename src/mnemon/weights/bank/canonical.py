"""Tokens that are read as one: those whose texts differ in case, accents, width or spaces alone."""

from __future__ import annotations

import unicodedata
from typing import Any

import torch
from torch import Tensor


def canonical(tokenizer: Any, vocabulary: int) -> Tensor:
    """`[V]` for each token of a transformers tokenizer the number of those that are read as one.

    Ids that the tokenizer does not have are read as themselves, after all others.
    """
    known: dict[str, int] = {}
    found = []
    for number in range(vocabulary):
        text = tokenizer.decode([number]) if number < len(tokenizer) else ""
        if not text or "\N{REPLACEMENT CHARACTER}" in text:
            # A part of a character, or nothing: by its own name.
            text = f"\0{tokenizer.convert_ids_to_tokens(number)}\0{number}"
        found.append(known.setdefault(_plain(text), len(known)))
    return torch.tensor(found)


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
    bare = "".join(one for one in apart if not unicodedata.combining(one)).lower()
    return " ".join(bare.split()) or " "
