"""`mnemon jobs`: look at the queue, work it off, put back what died."""

from __future__ import annotations

import pytest

from mnemon import Memory


@pytest.fixture
def asked(store):
    """A reflect that will be done and a reindex that will die, by their ids."""
    with Memory(store) as memory:
        memory.jobs.start(0)
        return memory.jobs.reflect(namespace="acme").id, memory.jobs.reindex("nothing").id


def test_a_queue_is_listed_and_worked_off(run, parsed, asked):
    good, bad = asked
    told = run("jobs", "list").stdout
    assert told.index(bad[-8:]) < told.index(good[-8:]) and told.count("waiting") == 2
    assert bad[-8:] not in run("-n", "acme", "jobs", "list").stdout
    done = run("jobs", "run", expect=1)
    assert f"{good[-8:]} reflect done  0" in done.stdout
    assert f"{bad[-8:]} reindex dead" in done.stdout and "static" in done.stdout
    assert run("jobs", "run").stdout == ""
    (dead,) = parsed(run("jobs", "list", "--state", "dead", "--json"))
    assert dead["id"] == bad and dead["error"]["type"] == "urn:mnemon:unknown-name"
    assert parsed(run("jobs", "list", "--call", "reflect", "--json"))[0]["result"] == 0


def test_a_job_is_shown_put_back_and_cancelled(run, parsed, asked):
    good, bad = asked
    run("jobs", "run", "--json", expect=1)
    assert "unknown-name" in run("jobs", "show", bad[-8:]).stdout
    assert parsed(run("jobs", "show", bad, "--json"))["state"] == "dead"
    assert "waiting" in run("jobs", "retry", bad[-8:]).stdout
    assert "cancelled" in run("jobs", "cancel", bad[-8:]).stdout
    assert "done" in run("jobs", "cancel", good).stdout


def test_what_is_not_there_is_told(run, store, asked):
    for command in ("show", "retry", "cancel"):
        assert "zzzz" in run("jobs", command, "zzzz", expect=1).output
        run("jobs", command, "z", expect=2)
    run("jobs", "retry", asked[0], expect=2)
    run("jobs", "list", "--state", "ready", expect=2)


def test_what_waits_for_another_try_is_told(run, asked, monkeypatch):
    def reflect(self, **_):
        raise OSError("the disk went away")

    monkeypatch.setattr(Memory, "reflect", reflect)
    done = run("jobs", "run", expect=1)
    assert "1 job waiting to be tried again later" in done.stderr
    assert "1/8" in run("jobs", "list").stdout
