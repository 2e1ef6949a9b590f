"""Segments in the language of the small model."""

from __future__ import annotations

from mnemon.bench.latent.asking import segments
from mnemon.bench.weights.facts import facts

FACTS, STRANGERS = facts(24, 0)
SEGMENTS = segments(FACTS, 16, 0)
