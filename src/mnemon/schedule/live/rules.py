"""Rules: by what the scheduler decides."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mnemon.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Rules:
    """Times are days.

    Attributes:
        horizon: how far ahead uses are counted: what is built must pay within it.
        price: of a background second, in seconds waited.
        margin: a gain must exceed its cost by this share; and what is kept is displaced only by
            what saves this share more a byte.
        rest: what was moved since then is moved back only if that gains `urgent` times its cost.
        decay: the method of `schedule.decay` by which strength fades.
        new: so long a cube that was never read counts as new. hot: uses a day that make one hot.
        warm: strength below which a cube is cold.
        stable: so long a fact must have stood unchanged, and `least` times have been used, before
            it is trained into weights.
        floor: strength below which a cube expires; 0: none does. spared: kinds that never do so.
    """

    horizon: float = 7.0
    price: float = 0.25
    margin: float = 0.25
    rest: float = 1.0
    urgent: float = 4.0
    decay: str = "ebbinghaus"
    new: float = 1.0
    hot: float = 1.0
    warm: float = 0.1
    stable: float = 7.0
    least: int = 5
    floor: float = 0.0
    spared: tuple[str, ...] = ("profile",)

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, int | float) and value < 0:
                raise InvalidInput(f"{one.name}={value!r}: the scheduler's rules are 0 or more")
        if not self.horizon or self.urgent < 1 + self.margin or self.floor > 1:
            raise InvalidInput(
                "the scheduler needs a horizon above 0, urgent of at least 1 + margin, and a floor "
                f"of at most 1: got {self.horizon}, {self.urgent} and {self.floor}"
            )
