"""One table: each call means the same on a file and over HTTP: same results, same errors.

Two stores are filled alike, one is asked directly and one through a server. What cannot be equal
(ids, and when something was recorded) is named by its order of appearance.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from mnemon import Document, Draft, Job, Memory, Policy, Span
from mnemon.errors import MnemonError
from mnemon.wire.plain import plain

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_CLOCKS = {"recorded_at", "retired_at", "at", "last_read", "valid_from", "retain_until"}


@dataclass(frozen=True)
class Seen:
    """A seeded memory: Ana's two turns in a session, Bob's fact, one beside them."""

    memory: Memory
    ids: list[str]
    other: str


def seed(memory: Memory) -> Seen:
    turns = memory.add(
        [
            Draft("Ana moved to Lisbon in March.", speaker="Ana", session="s", at="2025-03-09"),
            {"role": "Bob", "content": "Welcome to Lisbon!", "session_id": "s", "at": "2025-03-10"},
        ]
    )
    fact = memory.add("Bob rows.", kind="fact", metadata={"tags": ["a", "b"], "n": None}, key="k")
    other = memory.add("Elsewhere.", namespace="acme/ana")
    memory.link(turns[0].id, "next", turns[1].id)
    return Seen(memory, [turns[0].id, turns[1].id, fact.id], other.id)


def in_short(job: Job[Any]) -> tuple[Any, ...]:
    """A job without the moments that its namespace has beside the table's own."""
    return job.id, job.call, job.namespace, job.actor, job.state, job.attempts, job.result


def raised(call: Callable[..., Any], **given: Any) -> str:
    """The error that a call raises."""
    with pytest.raises(MnemonError) as told:
        call(**given)
    return str(told.value)


Call = Callable[[Seen], Any]

CALLS: dict[str, Call] = {
    "add text": lambda s: s.memory.add("x", speaker="Zoe", at=date(2024, 5, 7), metadata={"é": 1}),
    "add a number as time": lambda s: s.memory.add("x", at=0.000001).valid_from,
    "add at the edge of time": lambda s: s.memory.add("x", at="0001-01-01").valid_from,
    "add a message": lambda s: s.memory.add({"role": "user", "content": "x", "created_at": 5}),
    "add parts": lambda s: s.memory.add({"role": "user", "content": [{"text": "a"}, {"url": 1}]}),
    "forget a person": lambda s: replace(s.memory.forget_person("Ana"), stamp=None),
    "forget a person of several names": lambda s: s.memory.forget_person(["Bob", "Robert"]).ids,
    "forget a person, dry": lambda s: replace(
        s.memory.forget_person("Ana", dry_run=True), stamp=None),
    "forget nobody": lambda s: raised(s.memory.forget_person, person=" "),
    "forget a person elsewhere": lambda s: s.memory.forget_person(
        "Ana", namespace="acme/ana").cubes,
    "add several": lambda s: s.memory.add(["x", "y"], session="t", kind="fact"),
    "add none": lambda s: s.memory.add([]),
    "add by an iterator": lambda s: s.memory.add(str(n) for n in range(3)),
    "add known": lambda s: s.memory.add("something else", key="k"),
    "add a draft": lambda s: s.memory.add(
        Draft(
            "x", spans=(Span(s.ids[0], 1, 0, 3),), confidence=0.5, producer="method:x@1", key="d",
            policy=Policy(("user",), (), datetime(2030, 1, 1), False), valid_to="9999-12-31",
            links=(("about", "k"),), metadata={"deep": {"er": [1.5, True, None]}},
        )
    ),
    "add a document": lambda s: s.memory.add(
        Document("# One\n\nFirst.\n\n# Two\n\nSecond.", title="t.md", at="2020-01-01"), key="doc"
    ),
    "all of the document": lambda s: (
        s.memory.add(Document("para one\n\npara two", metadata={"a": 1}), speaker="Ana"),
        [(cube.content, cube.speaker, cube.metadata) for cube in s.memory.list()],
    ),
    "add nothing": lambda s: s.memory.add("  "),
    "add what is no text": lambda s: s.memory.add(3),
    "add bytes": lambda s: s.memory.add(b"x"),
    "add a number in a list": lambda s: s.memory.add(["x", 3]),
    "add a draft of a number": lambda s: s.memory.add(Draft(3)),
    "add an unknown field": lambda s: s.memory.add({"contnt": "x"}),
    "add a wrong time": lambda s: s.memory.add("x", at="noon"),
    "add a surrogate": lambda s: s.memory.add("a\ud800"),
    "add a NUL": lambda s: s.memory.add("a\x00"),
    "add a set": lambda s: s.memory.add("x", metadata={"a": {1}}),
    "add NaN": lambda s: s.memory.add("x", metadata={"a": float("nan")}),
    "add too much": lambda s: s.memory.add("x" * 1_000_001),
    "add one key for two": lambda s: s.memory.add(["x", "y"], key="z"),
    "add in a bad namespace": lambda s: s.memory.add("x", namespace="a//b"),
    "add with a wrong confidence": lambda s: s.memory.add(Draft("x", confidence=7.5)),
    "search": lambda s: s.memory.search("Where does Ana live?"),
    "search and explain": lambda s: s.memory.search("Lisbon in March", k=2, explain=True),
    "search by filters": lambda s: s.memory.search(
        "Lisbon", kind=["episode", "fact"], speaker="Ana", session="s", since="2025-01-01",
        until=datetime(2025, 12, 1), valid_at="2025-04-01", at="2025-05-01", min_score=0.001,
    ),
    "search elsewhere": lambda s: s.memory.search("Ana", namespace="acme"),
    "search for nothing": lambda s: s.memory.search("x", k=0),
    "search in the past": lambda s: s.memory.search("Ana", as_of="2020-01-01"),
    "recall": lambda s: (lambda r: (r.text, r.tokens, r.hits))(s.memory.recall("Lisbon", 200)),
    "recall nothing": lambda s: s.memory.recall("Lisbon", 0),
    "get": lambda s: s.memory.get(s.ids[2]),
    "get a version": lambda s: s.memory.get(s.ids[0], version=1),
    "get a version that is not": lambda s: s.memory.get(s.ids[0], version=9),
    "get nobody": lambda s: s.memory.get("nobody"),
    "get what is no id": lambda s: s.memory.get("a/b?c#d"),
    "get from elsewhere": lambda s: s.memory.get(s.other),
    "get at a moment": lambda s: s.memory.get(s.ids[0], as_of="1999-01-01"),
    "list": lambda s: s.memory.list(),
    "list all": lambda s: s.memory.list(limit=-1),
    "list after": lambda s: s.memory.list(after=s.ids[0], limit=1),
    "list by metadata": lambda s: s.memory.list(metadata={"tags": "a"}),
    "list by kind": lambda s: s.memory.list(kind="fact", namespace=None),
    "count": lambda s: (s.memory.count(), s.memory.count(kind=("fact", "x"))),
    "find": lambda s: s.memory.find(s.ids[0][-8:].upper()),
    "history": lambda s: s.memory.history(s.ids[0]),
    "update": lambda s: (
        s.memory.update(s.ids[0], "Porto.", version=1, speaker=None, at="2025-04-01"),
        s.memory.history(s.ids[0]),
    ),
    "update the policy": lambda s: s.memory.update(s.ids[0], policy=Policy(writers=("ben",))),
    "update the metadata": lambda s: s.memory.update(s.ids[0], metadata={"x": None}, kind="task"),
    "update too late": lambda s: s.memory.update(s.ids[0], "x", version=7),
    "update an unknown field": lambda s: s.memory.update(s.ids[0], colour="red"),
    "update with nothing": lambda s: s.memory.update(s.ids[0], ""),
    "update nobody": lambda s: s.memory.update("nobody", "x"),
    "update what is others'": lambda s: (
        s.memory.update(s.ids[0], policy=Policy(writers=("ben",))), s.memory.update(s.ids[0], "x")
    ),
    "roll back": lambda s: (s.memory.rollback("2020-01-01"), s.memory.count()),
    "roll back dry": lambda s: s.memory.rollback("2020-01-01", dry_run=True),
    "restore": lambda s: (s.memory.forget(s.ids[0]).cubes, s.memory.restore(s.ids[0])),
    "restore a version that is not": lambda s: s.memory.restore(s.ids[0], 8),
    "link": lambda s: s.memory.link(s.ids[0], "about", s.ids[2], weight=0.5, metadata={"a": "b"}),
    "link to nobody": lambda s: s.memory.link(s.ids[0], "about", "nobody"),
    "links": lambda s: s.memory.links(s.ids[0]),
    "unlink": lambda s: [s.memory.unlink(s.ids[0], "next", s.ids[1]) for _ in range(2)],
    "forget": lambda s: (s.memory.forget(s.ids[0]), s.memory.list()),
    "forget by a filter": lambda s: s.memory.forget(speaker="Ana", since="2020-01-01"),
    "forget a version": lambda s: (s.memory.forget(s.ids[0], version=1), s.memory.list()),
    "forget too late": lambda s: s.memory.forget(s.ids[0], version=7),
    "forget too late, dry": lambda s: s.memory.forget(s.ids[0], version=7, dry_run=True),
    "forget a version of several": lambda s: s.memory.forget(s.ids, version=1),
    "forget a version of nobody": lambda s: s.memory.forget("nobody", version=1),
    "purge a version": lambda s: (
        s.memory.update(s.ids[0], "x"), s.memory.forget(s.ids[0], version=2, purge=True)
    ),
    "forget by ids, dry": lambda s: s.memory.forget(iter(s.ids), dry_run=True, purge=True),
    "purge": lambda s: (s.memory.forget(kind="fact", purge=True), s.memory.count()),
    "forget nothing": lambda s: s.memory.forget([]),
    "forget without a word": lambda s: s.memory.forget(),
    "forget a namespace": lambda s: s.memory.forget(namespace="acme"),
    "cubes composed": lambda s: s.memory.cube(*s.ids[:2]).compose(between="; ").content,
    "cubes fused": lambda s: (s.memory.cube(*s.ids[:2]).fuse("both").content, s.memory.count()),
    "one cube composed": lambda s: s.memory.cube(s.ids[0]).compose(),
    "feedback": lambda s: (s.memory.feedback(s.ids[:2], True), s.memory.get(s.ids[0]).usage),
    "feedback on nobody": lambda s: s.memory.feedback("nobody", False),
    "reflect": lambda s: s.memory.reflect(),
    "expired": lambda s: (
        s.memory.update(s.ids[0], policy=Policy(retain_until=datetime(2025, 1, 1))),
        s.memory.expired("2026-01-01"),
    ),
    "log": lambda s: s.memory.log(),
    "log in part": lambda s: (s.memory.log(limit=1), s.memory.log(after=1, before=3)),
    "log of a cube": lambda s: s.memory.log(cube=s.ids[2]),
    "namespaces": lambda s: s.memory.namespaces(),
    "size": lambda s: {n: v for n, v in s.memory.size().items() if not n.endswith("bytes")},
    "fsck": lambda s: s.memory.fsck(),
    "reindex": lambda s: s.memory.reindex(),
    "reindex by nobody": lambda s: s.memory.reindex("nothing"),
    "a job": lambda s: in_short(s.memory.acting("bén").jobs.reflect(wait=60)),
    "a job that dies": lambda s: s.memory.jobs.reindex("nothing", wait=60).error,
    "a job that is there by its key": lambda s: [
        in_short(s.memory.jobs.fsck(key=s.other, wait=60)) for _ in range(2)
    ],
    "a job under another's key": lambda s: (
        s.memory.jobs.fsck(key=s.other, wait=60).id, s.memory.jobs.reindex(key=s.other)
    ),
    "a job under a key that is none": lambda s: [
        raised(s.memory.jobs.fsck, key=key) for key in ("", "é", "a\nb", "x" * 256)
    ],
    "jobs": lambda s: (
        [s.memory.jobs.reflect(namespace=f"{s.memory.namespace}/{n}", wait=60).id for n in "ab"],
        [in_short(job) for job in s.memory.jobs.list(namespace=s.memory.namespace, limit=1)],
        [job.id for job in s.memory.jobs.list(namespace=s.memory.namespace, state="done")],
        s.memory.jobs.list(namespace=s.memory.namespace, call=["import", "fsck"]),
    ),
    "jobs in no state": lambda s: s.memory.jobs.list(state="ready"),
    "jobs of no call": lambda s: s.memory.jobs.list(call=["fsck", "search"]),
    "cancel what is done": lambda s: (
        in_short(s.memory.jobs.cancel(s.memory.jobs.reflect(wait=60).id))
    ),
    "retry what is done": lambda s: s.memory.jobs.retry(s.memory.jobs.reflect(wait=60).id),
    "a job of nobody": lambda s: s.memory.jobs.get("nobody", wait=1),
    "another actor": lambda s: s.memory.acting("bén").update(s.ids[0], "x").provenance,
    "another actor's log": lambda s: (
        s.memory.acting("bén").add("x").id, [event.actor for event in s.memory.log()]
    ),
}  # fmt: skip


def outcome(call: Call, seen: Seen) -> Any:
    """What a call gave or raised, with everything that two stores cannot share taken out."""
    try:
        found = plain(call(seen))
    except MnemonError as error:
        data = {name: plain(value) for name, value in vars(error).items() if name != "errors"}
        found = [type(error).__name__, str(error), data]
    names: dict[str, str] = {}

    def named(value: Any, field: str = "") -> Any:
        if isinstance(value, dict):
            return {key: named(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [named(one) for one in value]
        if field in _CLOCKS and isinstance(value, str) and value > "2026":
            return "now"
        if isinstance(value, str):
            return _ID.sub(lambda found: names.setdefault(found[0], f"#{len(names)}"), value)
        return value

    return named(found)


@pytest.fixture(scope="module")
def direct(tmp_path_factory):
    return tmp_path_factory.mktemp("direct") / "memory.db"


@pytest.mark.parametrize("name", CALLS)
def test_a_call_means_the_same_over_http(name, direct, shared):
    # Each in a namespace of its own, the same in both stores: opening stores is what takes time.
    space = name.replace("'", "")
    url = str(shared.base_url).removesuffix("/v1/")
    with Memory(direct, namespace=space) as here, Memory(url, namespace=space) as there:
        expected = outcome(CALLS[name], seed(here))
        assert outcome(CALLS[name], seed(there)) == expected


def test_the_table_has_every_call():
    table = Path(__file__).read_text("utf-8")
    calls = {name for name in vars(Memory) if not name.startswith("_")}
    files = {"export", "import_", "dump", "path", "close", "compile"}  # in test_client.py
    assert [name for name in calls - files if not re.search(rf"s\.memory\.{name}[.(]", table)] == []
