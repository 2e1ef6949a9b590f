"""Finding methods: a folder is a slot, a file is a method, the file's name is the method's name.

`load("text.retrieve", "words")` imports `mnemon/text/retrieve/words.py` and makes the one class
that its `__all__` names. Nothing else lists methods. Third parties add theirs by an entry point in
the group `mnemon.<slot>` (`[project.entry-points."mnemon.text.retrieve"]`). Nothing is imported
until a method is asked for; a name with `-` is the file with `_`.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.errors import MissingExtra, UnknownName

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def slots() -> list[str]:
    """Every slot: a folder of the package that keeps its methods' Protocol, and says so."""
    import mnemon

    return sorted(_slots(Path(mnemon.__file__).parent, ""))


def _slots(folder: Path, above: str) -> Iterator[str]:
    for module in pkgutil.iter_modules([str(folder)]):
        if module.ispkg:
            inside = folder / module.name
            if (inside / "__init__.py").read_text("utf-8").startswith('"""The slot `'):
                yield f"{above}{module.name}"
            yield from _slots(inside, f"{above}{module.name}.")


def names(slot: str) -> list[str]:
    """The methods of a slot, sorted, without importing any.

    Raises:
        UnknownName: there is no such slot.
    """
    package = _package(slot)
    own = {
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    }
    return sorted(own | set(_strangers(slot)))


@cache
def find(slot: str, name: str) -> type[Any]:
    """The class of a method. A file of ours wins over an entry point of the same name.

    Raises:
        UnknownName: no such slot or method; the message lists the nearest names.
        MissingExtra: the method computes with a package that is not installed.
    """
    package = _package(slot)
    module_name = name.replace("-", "_")
    if any(module.name == module_name for module in pkgutil.iter_modules(package.__path__)):
        module = _imported(f"{package.__name__}.{module_name}")
        (exported,) = module.__all__
        return getattr(module, exported)  # type: ignore[no-any-return]
    if name in (found := _strangers(slot)):
        return found[name].load()  # type: ignore[no-any-return]
    raise UnknownName(f"no {slot} method is called {name!r}: {nearest(name, names(slot))}")


def load(slot: str, name: str, **options: Any) -> Any:
    """An instance of a method with `options` (its dataclass fields).

    Raises:
        UnknownName: no such slot, method or option.
    """
    method = find(slot, name)
    if not options:
        return method()
    known = [field.name for field in fields(method)] if is_dataclass(method) else []
    for option in options:
        if option not in known:
            raise UnknownName(
                f"{slot} method {name!r} has no option {option!r}: {nearest(option, known)}"
            )
    return method(**options)


def describe(method: Any) -> dict[str, Any]:
    """A method instance as JSON-ready data: slot, name, version and options."""
    slot, name = _home(type(method).__module__, type(method).__qualname__)
    return {
        "slot": slot,
        "name": name,
        "version": getattr(type(method), "version", 1),
        "options": asdict(method),
    }


def producer(method: Any) -> str:
    """The provenance label of what a method made: `method:<slot>/<name>@<version>`."""
    told = describe(method)
    return f"method:{told['slot']}/{told['name']}@{told['version']}"


def nearest(name: str, known: list[str]) -> str:
    """Advice for a name that is not among `known`: the close ones, or all."""
    spelt = (name, name.casefold())
    close = next(filter(None, (difflib.get_close_matches(one, known, 3, 0.5) for one in spelt)), [])
    if close:
        return "did you mean " + " or ".join(repr(one) for one in close) + "?"
    return "there are " + ", ".join(repr(one) for one in known) if known else "there are none"


@cache
def _home(module: str, kind: str) -> tuple[str, str]:
    """The slot and the name that `find` finds a class by; else those of its module."""
    slot, _, name = module.removeprefix("mnemon.").rpartition(".")
    own = (slot, name.replace("_", "-"))
    return own if module.startswith("mnemon.") else next(_entries(module, kind), own)


def _entries(module: str, kind: str) -> Iterator[tuple[str, str]]:
    """The entry points that name a class: slot and name."""
    from importlib.metadata import entry_points

    groups = [group for group in entry_points().groups if group.startswith("mnemon.")]
    for found in (one for group in groups for one in entry_points(group=group)):
        if found.attr == kind and found.load().__module__ == module:
            yield found.group.removeprefix("mnemon."), found.name


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRAS:
            raise
        raise MissingExtra(error.name, _EXTRAS[error.name]) from None


_EXTRAS = {"safetensors": "weights", "torch": "kv", "transformers": "kv"}
"""Packages that methods import as they are: naming them in each would be noise."""


def _package(slot: str) -> Any:
    try:
        package = importlib.import_module(f"mnemon.{slot}")
    except ModuleNotFoundError as error:
        if error.name is None or not f"mnemon.{slot}".startswith(error.name):
            raise
        raise UnknownName(f"there is no slot {slot!r}: {nearest(slot, slots())}") from error
    if not hasattr(package, "__path__"):
        raise UnknownName(f"{slot!r} is a module, not a slot (a folder of methods)")
    return package


def _strangers(slot: str) -> dict[str, EntryPoint]:
    return _declared(f"mnemon.{slot}", tuple(sys.path))


@cache
def _declared(group: str, path: tuple[str, ...]) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # 25 ms, and rarely needed

    return {found.name: found for found in entry_points(group=group)}
