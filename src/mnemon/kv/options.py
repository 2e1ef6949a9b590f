"""Options of the kinds that a method's fields say: words that cannot be meant are refused early."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mnemon.errors import InvalidInput

_KINDS: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "None": (type(None),),
}
_WORDS = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "a text"}


def check(told: str, options: Any) -> None:
    """Raise unless each field that is said to be a number, a text or a switch holds one.

    What is called a size is 1 at least.

    Args:
        told: who has the options, for the message. options: a dataclass instance.

    Raises:
        InvalidInput: one holds something else, or a size is below 1.
    """
    for option in fields(options):
        kind = option.type if isinstance(option.type, str) else option.type.__name__
        kinds = [one.strip() for one in kind.split("|")]
        value = getattr(options, option.name)
        if _KINDS.keys() >= set(kinds) and not any(_is(value, one) for one in kinds):
            words = " or ".join(_WORDS[one] for one in kinds if one != "None")
            raise InvalidInput(f"{told}: {option.name}={value!r} is not {words}")
        if option.name.endswith("_size") and isinstance(value, int) and value < 1:
            raise InvalidInput(f"{told}: {option.name}={value} is no size: give 1 at least")


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind == "bool") == isinstance(value, bool)
