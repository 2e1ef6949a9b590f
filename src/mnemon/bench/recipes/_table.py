"""A table of SQLite's FTS5 over the turns, and its own bm25() order."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from mnemon.bench.case import Turn, line
from mnemon.bench.recipes._plain import any_word


def by_words(
    turns: Sequence[Turn], tokenizer: str
) -> tuple[Callable[[str, int], list[str]], sqlite3.Connection]:
    """(question, k) → ids of turns with any of its words, best first; and what to close."""
    ids = [turn.id for turn in turns]
    database = sqlite3.connect(":memory:")
    escaped = tokenizer.replace("'", "''")
    database.execute(f"CREATE VIRTUAL TABLE turns USING fts5(line, tokenize = '{escaped}')")
    database.executemany(
        "INSERT INTO turns (rowid, line) VALUES (?, ?)",
        ((place, line(turn)) for place, turn in enumerate(turns)),
    )
    database.commit()

    def order(question: str, k: int) -> list[str]:
        asked = any_word(question)
        if not asked:  # no word at all: FTS5 calls that a syntax error
            return []
        rows = database.execute(
            "SELECT rowid FROM turns WHERE turns MATCH ? ORDER BY bm25(turns), rowid LIMIT ?",
            (asked, k),
        )
        return [ids[place] for (place,) in rows]

    return order, database
