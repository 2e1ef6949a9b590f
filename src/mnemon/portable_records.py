"""What a record of the portable file must be, so that a damaged one is told and not written."""

from __future__ import annotations

import base64
import hashlib
import math
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from mnemon import intake
from mnemon import namespace as paths
from mnemon.errors import InvalidInput
from mnemon.instant import to_micros


def problem(record: dict[str, Any]) -> str:
    """What is wrong with a cube, link, tombstone or artifact record, or "" if it can be written."""
    checks = {
        "cube": _cube_problem, "link": _link_problem, "tombstone": _tombstone_problem,
        "artifact": _artifact_problem,
    }  # fmt: skip
    for name, check in checks.items():
        if name in record:
            try:
                return check(record)
            except InvalidInput as error:
                return str(error)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                return f"not a {name} record: {error!r}"
    return "neither a cube, a link, a tombstone nor an artifact"


def _cube_problem(record: dict[str, Any]) -> str:
    if paths.check(record["namespace"]) != record["namespace"]:
        return "its namespace is not in normal form"
    versions = record["versions"]
    if not versions:
        return "it has no versions"
    if [version["version"] for version in versions] != list(range(1, len(versions) + 1)):
        return "its versions are not 1, 2, 3 …"
    _check_fields(record, {"cube": _TEXT, "key": _TEXT | _NONE})
    for version in versions:
        intake.check_content(version["content"])
        _check_fields(version, _VERSION)
        intake.check_metadata(version.get("metadata") or {})
        _check_lists(version)
    if record.get("usage") is not None:
        _check_fields(record["usage"], _USAGE)
    for earlier, later in pairwise(versions):
        if earlier.get("retired_at") is None or earlier["retired_at"] > later["recorded_at"]:
            return "a version ends after the next one begins"
    ended = (version for version in versions if version.get("retired_at") is not None)
    if any(version["recorded_at"] >= version["retired_at"] for version in ended):
        return "a version ends before it begins"
    return ""


def _link_problem(record: dict[str, Any]) -> str:
    _check_fields(record["link"], _LINK)
    intake.check_metadata(record["link"].get("metadata") or {})
    return ""


def _tombstone_problem(record: dict[str, Any]) -> str:
    _check_fields(record, {"tombstone": _TEXT, "purged_at": _TIME})
    return ""


def _artifact_problem(record: dict[str, Any]) -> str:
    _check_fields(record, _ARTIFACT)
    if paths.check(record["namespace"]) != record["namespace"]:
        return "its namespace is not in normal form"
    if not record["sources"]:
        return "it has no sources"
    for id, version in record["sources"]:
        _check_fields({"source": id, "version": version}, {"source": _TEXT, "version": _WHOLE})
    if record["payload"] is not None:
        payload = base64.b64decode(record["payload"], validate=True)
        if hashlib.sha256(payload).hexdigest() != record["sha256"]:
            return "its bytes are not what was written"
    return ""


_NONE, _TEXT, _TIME = frozenset({type(None)}), frozenset({str}), frozenset({int})
_NUMBER, _WHOLE, _LIST = frozenset({float, int}), frozenset({int}), frozenset({list})
_TIMES = ("valid_from", "valid_to", "recorded_at", "retired_at", "retain_until", "last_read",
          "purged_at")  # fmt: skip
_VERSION = {
    "version": _WHOLE, "kind": _TEXT, "content": _TEXT, "producer": _TEXT, "valid_from": _TIME,
    "recorded_at": _TIME, "valid_to": _TIME | _NONE, "retired_at": _TIME | _NONE,
    "retain_until": _TIME | _NONE, "speaker": _TEXT | _NONE, "session": _TEXT | _NONE,
    "source": _TEXT | _NONE, "compile": _WHOLE | {bool} | _NONE, "confidence": _NUMBER | _NONE,
    "metadata": _NONE | {dict}, "readers": _LIST | _NONE, "writers": _LIST | _NONE,
    "spans": _LIST | _NONE,
}  # fmt: skip
_USAGE = {
    "reads": _WHOLE, "last_read": _TIME | _NONE, "helpful": _WHOLE, "unhelpful": _WHOLE,
    "strength": _NUMBER,
}  # fmt: skip
_LINK = {
    "src": _TEXT, "type": _TEXT, "dst": _TEXT, "weight": _NUMBER, "metadata": _NONE | {dict},
    "recorded_at": _TIME, "retired_at": _TIME | _NONE,
}  # fmt: skip
_ARTIFACT = {
    "artifact": _TEXT, "form": _TEXT, "namespace": _TEXT, "method": _TEXT, "model": _TEXT | _NONE,
    "header": frozenset({dict}), "sources": _LIST, "payload": _TEXT | _NONE,
    "sha256": _TEXT | _NONE,
}  # fmt: skip
_FIRST = to_micros(datetime.min.replace(tzinfo=UTC))
_LAST = to_micros(datetime.max.replace(tzinfo=UTC))


def _check_fields(told: dict[str, Any], fields: dict[str, frozenset[type]]) -> None:
    for name, kinds in fields.items():
        value = told.get(name)
        if type(value) not in kinds:
            raise InvalidInput(f"its {name} is {type(value).__name__}")
        if isinstance(value, str):
            intake.check_text(name, value)
        elif value is not None and name in _TIMES and not _FIRST <= value <= _LAST:
            raise InvalidInput(f"its {name} is outside the years 1 to 9999")
        elif value is not None and not (math.isfinite(value) if kinds & {float} else _fits(value)):
            raise InvalidInput(f"its {name} is out of range")


def _fits(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) < 2**63


def _check_lists(version: dict[str, Any]) -> None:
    for name in ("readers", "writers"):
        for actor in version.get(name) or ():
            _check_fields({name: actor}, {name: _TEXT})
    for span in version.get("spans") or ():
        cube, number, start, end = span
        _check_fields(
            {"cube": cube, "version": number, "start": start, "end": end},
            {"cube": _TEXT, "version": _WHOLE, "start": _WHOLE | _NONE, "end": _WHOLE | _NONE},
        )
