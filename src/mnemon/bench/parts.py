"""Parts of the default program, and the ranker's signals in groups: what an ablation leaves out."""

from __future__ import annotations

PARTS = {
    "without words": "words.most=0",
    "without meaning": "meaning.most=0",
    "without time": "time.most=0",
    "without neighbours' terms": "words.following=[]+words.preceding=[]",
    "without the speaker's bonus": "words.speaker=0.0",
    "without the malus for asking": "words.asking=1.0+meaning.asking=1.0",
}
"""Row → what changes in the default program, as `recipes/mnemon.py::Mnemon.change`. Without the
channel of meaning, windows still compare vectors."""

GROUPS = {
    "channels' own scores": ("words", "words_best", "meaning", "meaning_best"),
    "late interaction": (
        "late", "late_best", "late_near", "late_near_best", "late_least", "late_reverse",
    ),
    "windows": (
        "meaning_before", "meaning_after", "window", "window_best", "answer", "answer_best",
        "wide", "wide_best", "onward", "burst", "burst_best",
    ),
    "session": ("session_words", "session_meaning"),
    "coverage": ("coverage_near", "coverage_wide"),
    "speaker": ("named", "named_before"),
    "never heard of": ("unheard", "stranger"),
    "question kinds and dates": (
        "when_time", "many_number", "where_place", "month", "day", "time", "time_best",
    ),
    "told of itself": ("asks", "asks_before", "first_person", "specific", "length", "names"),
}  # fmt: skip
"""Signals of the ranker by what they are about; together all of `text/signals.py::NAMES`."""
