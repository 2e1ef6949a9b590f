"""Evidence strings of LoCoMo: ids such as `D1:3`, sometimes several in one, sometimes broken."""

from __future__ import annotations

import re
from collections.abc import Set

_ID = re.compile(r"D(\d+):(\d+)")
_GAP = re.compile(r"[;,\s]+")


def parse(string: str, known: Set[str]) -> tuple[tuple[str, ...], str]:
    """(ids it names among `known`, what is wrong with it or "").

    `D8:6; D9:17` and `D9:1 D4:4` are several ids, `D30:05` is D30:5. Nothing else is guessed.
    """
    if string in known:
        return (string,), ""
    pieces = [piece for piece in _GAP.split(string) if piece]
    found, wrong = [], []
    for piece in pieces:
        match = _ID.fullmatch(piece)
        id = f"D{int(match[1])}:{int(match[2])}" if match else ""
        if id in known:
            found.append(id)
        else:
            wrong.append(f"{piece!r} is not of the form D1:2" if not match else f"no turn {piece}")
    if not pieces:
        wrong.append("it is blank")
    return tuple(found), "; ".join(wrong) or "read after repair"
