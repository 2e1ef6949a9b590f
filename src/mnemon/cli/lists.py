"""Options that hold several values, with commas between."""

from __future__ import annotations

from mnemon.errors import InvalidInput


def split(listed: str) -> list[str]:
    """Names."""
    return [name.strip() for name in listed.split(",") if name.strip()]


def numbers(listed: str) -> list[int]:
    """Sizes.

    Raises:
        InvalidInput: something else than whole numbers, or nothing.
    """
    names = split(listed)
    if not names or not all(name.isdigit() and int(name) for name in names):
        raise InvalidInput(f"{listed!r} is no list of sizes such as 1000,10000")
    return [int(name) for name in names]


def decimals(listed: str) -> list[float]:
    """Rates.

    Raises:
        InvalidInput: something else than numbers above 0, or nothing.
    """
    try:
        found = [float(name) for name in split(listed)]
    except ValueError:
        found = []
    if not found or not all(0 < one < float("inf") for one in found):
        raise InvalidInput(f"{listed!r} is no list of rates such as 0.01,0.003")
    return found
