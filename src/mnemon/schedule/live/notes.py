"""Notes: what the scheduler keeps in files: moves beside the store, costs by the user.

`<store>-schedule.json` has when what was moved: ids, never content. Budgets are the store's; those
that an older Mnemon kept in the file are handed over to it.
`costs.json` in the user's cache folder has what was measured on this machine, by model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.errors import InvalidInput
from mnemon.instant import parse
from mnemon.kv.tiers.costs import Speed
from mnemon.schedule.costs import Costs
from mnemon.store.address import beside
from mnemon.store.rows import Budget

if TYPE_CHECKING:
    from mnemon.store import Store


class Notes:
    """Of one store; of a volatile one they are kept in this object only."""

    def __init__(self, address: str) -> None:
        place = None if address == ":memory:" else beside(address)
        self.path = None if place is None else place.with_name(f"{place.name}-schedule.json")
        self._told: dict[str, Any] = {} if self.path is None else _read(self.path)

    def hand_over(self, store: Store) -> None:
        """Budgets of the file go to the store, unless it has one for the same already."""
        if "budgets" not in self._told:
            return
        known = {(one.namespace, one.form) for one in store.budgets()}
        found = (
            Budget(path, form, size)
            for path, forms in self._told["budgets"].items() for form, size in forms.items()
        )  # fmt: skip
        store.set_budgets([one for one in found if (one.namespace, one.form) not in known])
        self._read()
        self._told.pop("budgets", None)
        self._write()

    def moved(self, since: datetime) -> set[str]:
        """What was moved after a moment: `<form>:<id>`."""
        stored = self._told.get("moved", {})
        return {name for name, at in stored.items() if parse(at) > since}

    def set_moved(self, names: Sequence[str], at: datetime, rest: timedelta) -> None:
        """These were moved; what has rested since its last move is no longer noted."""
        self._read()
        stored = self._told.get("moved", {})
        recent = {name: when for name, when in stored.items() if parse(when) > at - rest}
        self._told["moved"] = {**recent, **{name: at.isoformat() for name in names}}
        self._write()

    def _read(self) -> None:
        """Once more, before anything is changed: others write there too."""
        if self.path is not None:
            self._told = _read(self.path)

    def _write(self) -> None:
        if self.path is not None:
            _placed(self.path, self._told)


def known_costs(model: str | None) -> Costs | None:
    """What was measured here for a model (by name), or for the one measured last; None: nothing."""
    stored = _read(costs_path())
    if not stored:
        return None
    name = next(reversed(stored)) if model is None else model
    return _costs(stored[name]) if name in stored else None


def keep_costs(model: str, costs: Costs) -> Path:
    """Keep what was measured; where."""
    stored = _read(costs_path())
    stored.pop(model, None)
    path = costs_path()
    _placed(path, {**stored, model: asdict(costs)})
    return path


def costs_path() -> Path:
    """The file in the user's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path("mnemon", ensure_exists=True) / "costs.json"


def _costs(told: Mapping[str, Any]) -> Costs:
    known = {one.name for one in fields(Costs)}
    read = {name: value for name, value in told.items() if name in known}
    for name, value in read.items():
        if isinstance(value, Mapping):
            read[name] = Speed(**value)
    return Costs(**{**read, "measured": tuple(read.get("measured", ()))})


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        told = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{path} is damaged ({error}): mend it, or delete it") from error
    if not isinstance(told, dict):
        raise InvalidInput(f"{path} is damaged: mend it, or delete it")
    return told


def _placed(path: Path, told: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    partial.replace(path)
