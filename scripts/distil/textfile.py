"""The file of training texts: lines compressed with xz, each a source, a tab and a text."""

from __future__ import annotations

import lzma
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Sourced(NamedTuple):
    """A text without tabs and line ends, and where it comes from, in words for the card."""

    source: str
    text: str


def write(file: Path, texts: Iterable[Sourced]) -> None:
    """The same texts give the same bytes, by the same version of liblzma."""
    with lzma.open(file, "wt", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{source}\t{text}\n" for source, text in texts)


def read(file: Path) -> list[Sourced]:
    """Ends the program at the first line that is not as it should be."""
    texts = []
    with lzma.open(file, "rt", encoding="utf-8", newline="\n") as stream:
        for number, line in enumerate(stream, start=1):
            source, tab, text = line.rstrip("\n").partition("\t")
            if not tab:
                sys.exit(f"{file}, line {number}: no tab between a source and a text: {line!r}")
            texts.append(Sourced(source, text))
    return texts


def counts(texts: Iterable[Sourced]) -> dict[str, int]:
    """The number of different texts of each source, in the order of the file."""
    found: dict[str, int] = {}
    for source, _ in dict.fromkeys(texts):
        found[source] = found.get(source, 0) + 1
    return found
