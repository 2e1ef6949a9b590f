"""Kinds of the records that upkeep derives from what was said; see `maintain/`.

A cube of such a kind is one of these records only if it cites its sources: whoever adds a summary
of his own adds a cube like any other.
"""

from __future__ import annotations

SUMMARY = "summary"
"""Of a session."""
KEYWORDS = "keywords"
"""Of a session."""
EVENT = "event"
"""What one turn tells, in a sentence of it."""
DIGEST = "digest"
"""Of a stretch of turns across sessions."""
GIST = "gist"
"""Of everything so far."""
EPISODIC, SEMANTIC, PROCEDURAL = "episodic", "semantic", "procedural"
"""Sentences of one turn that tell of something that happened, that is so, that is how to do it."""

TYPES = (EPISODIC, SEMANTIC, PROCEDURAL)
RECORDS = (SUMMARY, KEYWORDS, EVENT, DIGEST, GIST, *TYPES)
