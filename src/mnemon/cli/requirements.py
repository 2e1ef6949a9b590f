"""What Mnemon needs and what it can use: its own metadata against what is installed."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_PART = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*(?:>=\s*([0-9.]+))?")
_EXTRA = re.compile(r"extra\s*==\s*[\"']([^\"']+)[\"']")
_OURS = "test"  # for those who work on Mnemon itself


@dataclass(frozen=True, slots=True)
class Requirement:
    """One package: `extra` is "" for a core one, `found` None when it is not installed."""

    package: str
    least: str
    extra: str
    found: str | None

    @property
    def met(self) -> bool:
        """Whether it is there and new enough."""
        return self.found is not None and _numbers(self.found) >= _numbers(self.least)


def requirements() -> list[Requirement]:
    """All of them, core ones first."""
    found = [one for line in _lines() if (one := _requirement(line)) is not None]
    return sorted(found, key=lambda one: (one.extra, one.package.lower()))


def _lines() -> list[str]:
    try:
        return metadata.requires("mnemon") or []
    except metadata.PackageNotFoundError:
        return _checkout()


def _checkout() -> list[str]:
    # Run from a checkout that was not installed: the project file says the same.
    file = Path(__file__).parents[3] / "pyproject.toml"
    if not file.is_file():
        return []
    project = tomllib.loads(file.read_text("utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    return [
        *project["dependencies"],
        *(f'{line}; extra == "{extra}"' for extra, lines in extras.items() for line in lines),
    ]


def _requirement(line: str) -> Requirement | None:
    extra = _EXTRA.search(line)
    part = _PART.match(line)
    if part is None or (extra is not None and extra[1] == _OURS):
        return None
    try:
        version = metadata.version(part[1])
    except metadata.PackageNotFoundError:
        version = None
    return Requirement(part[1], part[2] or "0", extra[1] if extra else "", version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:4])
