"""Sentence encoders in numpy: the vectors of small transformers, without torch.

A folder as the Hugging Face hub has it (`config.json`, `vocab.txt`, `model.safetensors`) becomes an
`Encoder`, for the architectures of `layouts.py`. Vectors are those of sentence-transformers, to
1e-5.
"""

from __future__ import annotations

from mnemon.models.transformer.encoder import Encoder
from mnemon.models.transformer.files import opened

__all__ = ["Encoder", "opened"]
