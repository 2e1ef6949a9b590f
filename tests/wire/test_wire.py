"""What goes over a wire comes back as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from mnemon import errors
from mnemon.cube import (
    Draft,
    Event,
    Hit,
    Link,
    MemCube,
    Policy,
    Provenance,
    Reason,
    Recall,
    Receipt,
    Span,
    Usage,
)
from mnemon.portable import ImportReport
from mnemon.wire import problems
from mnemon.wire.plain import plain
from mnemon.wire.values import revive

AT = datetime(2024, 5, 7, 18, 30, 0, 7, tzinfo=UTC)
CUBE = MemCube(
    "id", 2, "a/b", "fact", "Ünïcode", AT, AT, "Ana", "s", {"a": [1, None, {"b": 1.5}]},
    AT, AT, "k",
    Provenance("user", "x:3", (Span("id", 1, 0, 3), Span("id", 1)), 0.5),
    Policy(("ana",), ("ben", "ana"), AT, False), Usage(1, AT, 2, 3, 0.5),
)  # fmt: skip
RECEIPT = Receipt(1, 2, 3, 4, ("id",), True, False, AT)
VALUES = [
    CUBE,
    Hit(CUBE, 0.5, (Reason("words", 1, 3.5, "x"),)),
    Recall("text", (Hit(CUBE, 1.0),), 3, {"regime": "whole", "ms": 1.5}),
    Link("a", "next", "b", 0.5, {"x": 1}, AT),
    Event(1, AT, "add", "user", None, None, None, {"cubes": 2}),
    RECEIPT,
    ImportReport(1, 2, 3, 4, [("file:3", "not JSON")]),
    Draft("x", at="2024-05-07", links=(("about", "k"),), spans=(Span("id", 1),)),
]


def sent(value):
    return json.loads(json.dumps(plain(value)))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_equal(value):
    assert revive(type(value), sent(value)) == value
    assert revive(list[type(value)], sent([value, value])) == [value, value]


def test_a_newer_servers_fields_are_passed_over():
    assert revive(Reason, {"channel": "x", "rank": 1, "score": 2.0, "new": []}) == Reason(
        "x", 1, 2.0
    )


RAISED = [
    errors.VersionConflict("id", 1, 2),
    errors.StaleArtifact("key", ("a", "b")),
    errors.PurgeIncomplete("bytes may remain", RECEIPT),
    errors.DimensionMismatch("space", 3, 4),
    errors.SpaceMoved("space"),
    errors.QuotaExceeded("acme", "cubes", 3),
    errors.RateLimited("50/s", 0.25),
    errors.KeyReused("turn-1", "id", "another job"),
    errors.OnHold("id", "acme"),
    errors.NotForWeights("id", "acme"),
    errors.AliasMoved("current", 1, 2),
    errors.MissingExtra("httpx2", "client"),
    errors.WrongDevice("adalomo", "cpu", "its state lies on a GPU"),
]


def every(kind=errors.MnemonError):
    return [kind, *(found for below in kind.__subclasses__() for found in every(below))]


@pytest.mark.parametrize("kind", every(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_comes_back(kind):
    (error,) = [one for one in RAISED if type(one) is kind] or [kind("what, which, what to do")]
    told = sent(problems.document(error))
    assert 400 <= told["status"] < 600 and told["title"] and told["detail"] == str(error)
    again = problems.error_of(told)
    assert type(again) is kind and str(again) == str(error) and vars(again) == vars(error)


def test_only_real_faults_are_server_errors():
    ours = {kind for kind in every() if problems.status(kind.__new__(kind)) >= 500}
    assert not any(issubclass(k, errors.InvalidInput | errors.NotFound) for k in ours)
    assert errors.StoreCorrupt in ours and errors.VersionConflict not in ours


@pytest.mark.parametrize("type", ["about:blank", "urn:mnemon:nothing", "urn:mnemon:annotations", 3])
def test_an_unknown_problem_is_a_server_error(type):
    error = problems.error_of({"type": type, "title": "Gone", "status": 410})
    assert str(error) == "the server answered 410: Gone"
