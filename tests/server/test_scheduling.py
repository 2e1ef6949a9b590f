"""A server that schedules: within budgets, in namespaces that have some, and written down."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from mnemon import Draft, Memory, Policy
from mnemon.server.audit.file import beside as audited
from mnemon.server.scheduling import Scheduling
from mnemon.store.rows import Budget


def derived(memory, content):
    """A cube and an adapter of it, of 100 bytes, that nobody uses."""
    cube = memory.add(content, kind="fact")
    key = hashlib.sha256(content.encode()).hexdigest()
    header = {"subjects": [key[:32]], "learnt": True}
    return memory.artifacts.derive("adapter", [cube], b"\0" * 100, method="m", header=header)


def test_only_namespaces_with_budgets_are_scheduled_and_the_log_says_so(path):
    for name in ("acme/ana", "acme/ben"):
        with Memory(path, namespace=name) as memory:
            derived(memory, "the code for maiposhi is x04 .")
    assert Scheduling(path).run() == []
    with Memory(path) as memory:
        memory._store.set_budgets([Budget("acme/ana", "adapter", 99)])
    (ran,) = Scheduling(path).run()
    assert (ran.namespace, len(ran.applied.done), ran.applied.left) == ("acme/ana", 1, ())
    assert Scheduling(path).run()[0].applied.done == ()
    with Memory(path, namespace="acme") as memory:
        assert [one.namespace for one in memory.artifacts.list()] == ["acme/ben"]
        assert memory.log()[-1].actor == "schedule"
    _, entry = list(audited(path).entries())[-1]
    assert (entry.who, entry.verb, entry.namespace) == ("schedule", "schedule", "acme/ana")


def test_what_a_policy_no_longer_keeps_expires_there(path):
    ended = Policy(retain_until=datetime.now(UTC) - timedelta(days=1))
    with Memory(path, namespace="acme/ana") as memory:
        memory.add([Draft("Stays."), Draft("Ended.", policy=ended)])
        memory._store.set_budgets([Budget("acme/ana", "kv", 0)])
        Scheduling(path).run()
        assert [cube.content for cube in memory.list()] == ["Stays."]
