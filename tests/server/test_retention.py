"""Retention: what outlived its rule goes, what is on hold stays, and both can be seen."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from click.testing import CliRunner

from mnemon import Draft, Memory, Policy
from mnemon.cli.app import mnemon
from mnemon.errors import OnHold
from mnemon.instant import now_micros
from mnemon.server import retention
from mnemon.server.audit.file import beside as audited

LATER = int(timedelta(days=100).total_seconds() * 1e6)


@pytest.fixture
def run(path):
    def call(*args, expect=0):
        done = CliRunner().invoke(mnemon, ["--store", str(path), *args])
        assert done.exit_code == expect, done.output
        return done.stdout

    return call


def later(path, **of):
    """The rules, carried out in a hundred days."""
    return retention.run(path, now=now_micros() + LATER, **of)


def left(path):
    with Memory(path) as memory:
        found = [memory.list(namespace=name) for name in ("acme", "other")]
        assert memory.fsck() == []
        return sorted(cube.content for cubes in found for cube in cubes)


def test_the_longest_prefix_counts(path, run):
    with Memory(path) as memory:
        for place in ("acme", "acme/chats", "acme/chats/keep", "acme/chats0", "other"):
            memory.add(place, namespace=place)
    run("retention", "set", "acme/chats", "--after", "90d", "--purge")
    run("retention", "set", "acme/chats/keep", "--after", "365d", "--forget")
    assert [one.cubes for one in later(path, dry_run=True)] == [1, 0]
    assert len(left(path)) == 5
    assert retention.run(path)[0].cubes == 0  # nothing is that old yet
    assert [(one.namespace, one.cubes) for one in later(path)] == [
        ("acme/chats", 1), ("acme/chats/keep", 0),
    ]  # fmt: skip
    assert left(path) == ["acme", "acme/chats/keep", "acme/chats0", "other"]


def test_a_new_version_begins_anew_and_a_purge_takes_the_forgotten_too(path, run):
    with Memory(path) as memory:
        old, new, gone = memory.add(["old", "new", "zebra"], namespace="acme")
        memory.forget(gone.id, namespace="acme")
    run("retention", "set", "acme", "--after", "1d", "--forget")
    assert later(path)[0].ids == (old.id, new.id)
    assert later(path)[0].ids == ()  # they are forgotten already
    with Memory(path) as memory:
        assert memory.history(old.id, namespace="acme")
    run("retention", "set", "acme", "--after", "1d", "--purge")
    assert later(path)[0].ids == (old.id, new.id, gone.id)
    assert b"zebra" not in path.read_bytes()


def test_what_was_derived_goes_along(path, run):
    with Memory(path) as memory:
        cube = memory.add("source", namespace="acme")
        from mnemon import Span

        memory.add(Draft("made of it", spans=(Span(cube.id, 1),), producer="method:x@1"),
                   namespace="other")  # fmt: skip
    run("retention", "set", "acme", "--after", "1d", "--purge")
    assert later(path)[0].cubes == 2 and left(path) == []


@pytest.mark.parametrize("action", ["--forget", "--purge"])
@pytest.mark.parametrize("by", ["cube", "namespace", "derived"])
def test_what_is_on_hold_stays(path, run, action, by):
    with Memory(path) as memory:
        held, free = memory.add(["held", "free"], namespace="acme/a")
        from mnemon import Span

        made = memory.add(
            Draft("made", spans=(Span(held.id, 1),), producer="method:x@1"), namespace="other"
        )
        beside = memory.add("beside", namespace="acme/b")
        what = {"cube": held.id, "namespace": "acme/a", "derived": made.id}[by]
        run("retention", "hold", what)
        run("retention", "set", "acme", "--after", "1d", action)
        (done,) = later(path)
        gone = {beside.id} if by == "namespace" else {beside.id, free.id}
        assert (set(done.ids), done.on_hold) == (gone, 4 - len(gone) - 1)
        with pytest.raises(OnHold, match="on hold"):
            memory.forget(held.id, namespace="acme/a", purge=action == "--purge")
        memory.update(held.id, "held again", namespace="acme/a")
    run("retention", "release", what)
    run("retention", "release", what, expect=1)
    (done,) = later(path)
    assert held.id in done.ids


def test_a_hold_is_stronger_than_a_cubes_own_policy(path, run):
    with Memory(path) as memory:
        cube = memory.add(Draft("x", policy=Policy(retain_until="2020-01-01")))
        run("retention", "hold", cube.id[-8:])
        memory.reflect()
        assert memory.count() == 1
        run("retention", "release", cube.id)
        memory.reflect()
        assert memory.count() == 0


def test_journal_and_audit_log_tell_what_was_done(path, run):
    with Memory(path) as memory:
        cube = memory.add("the secret zebra", namespace="acme")
    run("retention", "set", "acme", "--after", "1d", "--purge")
    later(path)
    with Memory(path) as memory:
        memory.add("x", namespace="acme")
    entries = [entry for _, entry in audited(path).entries()]
    assert [(entry.who, entry.verb, entry.ids) for entry in entries] == [
        ("cli", "retention-set", ()), ("retention", "retention", (cube.id,)),
    ]  # fmt: skip
    import sqlite3

    with sqlite3.connect(path) as raw:  # the namespace went with its last cube
        told = raw.execute("SELECT actor, verb, cube FROM journal WHERE verb = 'purge'").fetchall()
    raw.close()
    assert told == [("retention", "purge", cube.id)]


def test_a_server_does_it_by_itself(serve, path, run):
    with Memory(path) as memory:
        memory.add("x", namespace="acme")
    run("retention", "set", "acme", "--after", "0m", "--forget")
    with Memory(serve(retention_every=0.05)) as memory:
        for _ in range(400):
            if memory.count(namespace="acme") == 0:
                break
            time.sleep(0.02)
        assert memory.count(namespace="acme") == 0


def test_the_command(path, run):
    run("retention", "list", expect=1)
    with Memory(path) as memory:
        memory.add("x", namespace="acme")
    run("retention", "set", "acme", "--after", "90d", expect=2)
    run("retention", "set", "acme", "--after", "soon", "--purge", expect=2)
    assert "purge after 90 days" in run("retention", "set", "acme", "--after", "90d", "--purge")
    run("retention", "hold", "acme/legal")
    told = json.loads(run("retention", "list", "--json"))
    assert told["rules"] == [{"namespace": "acme", "seconds": 7776000, "purge": True}]
    assert told["holds"][0]["what"] == "acme/legal"
    assert "acme/legal: on hold since" in run("retention", "list")
    assert "would purge 0 cubes" in run("retention", "run", "--dry-run")
    assert json.loads(run("retention", "run", "--json"))[0]["cubes"] == 0
    run("retention", "remove", "acme")
    run("retention", "remove", "acme", expect=1)
