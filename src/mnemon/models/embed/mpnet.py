"""all-mpnet-base-v2 tuned for recall: finds more than `minilm`, at about eight times the work.

Model: https://huggingface.co/sentence-transformers/all-mpnet-base-v2 (Apache-2.0); ours is a
rank-4 adapter (`mnemon.models.adapted`). Limits: English; a text is cut at 384 word-pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

from mnemon.models.adapted import RECALL, AdaptedEncoder

__all__ = ["MPNet"]


@dataclass(frozen=True)
class MPNet(AdaptedEncoder):
    """Options as of `AdaptedEncoder`; vectors of 768 numbers."""

    base: str = "sentence-transformers/all-mpnet-base-v2"

    model = "mnemon-mpnet-base-recall"
    dimension = 768
    longest = 384
    bundled = RECALL / "mpnet.safetensors"
