"""The queue: what is enqueued is done at least once, by one at a time, and nothing is lost."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mnemon.errors import NotFound
from mnemon.identity import new_id
from mnemon.store import Store
from mnemon.store.queue import LOST, Claim, NewJob

from .rows import HOME, ME, add
from .stores import STORES

CALLS = ("reflect", "compile")
LONG, SHORT = 60.0, 0.02
WRONG = {"type": "urn:mnemon:store-busy", "title": "Busy.", "status": 503, "detail": "try again"}


def new(call="reflect", namespace=HOME, **more):
    return NewJob(new_id(), call, namespace, ME, **more)


def put(store, *args, **more):
    return store.queue.enqueue(new(*args, **more)).id


def take(store, lease=LONG, calls=CALLS):
    claim = store.queue.claim(calls, lease)
    assert claim is not None
    return claim


def expire(store, **more):
    """A claim whose lease has run out."""
    claim = take(store, SHORT, **more)
    time.sleep(SHORT * 1.5)
    return claim


def state(store, id):
    return store.queue.get(id).state


def test_a_job_goes_its_way(store):
    given = new(options={"keep": True, "é": [1, None]}, max_attempts=3)
    job = store.queue.enqueue(given)
    assert (job.id, job.call, job.namespace, job.actor) == (given.id, "reflect", HOME, ME)
    assert (job.state, job.attempts, job.options) == ("waiting", 0, given.options)
    claim = take(store)
    assert (claim.job.id, claim.job.state, claim.job.attempts) == (job.id, "running", 1)
    assert claim.job.created_at <= claim.job.started_at < claim.job.due_at
    held = store.queue.renew(claim, LONG, (3, 10))
    assert held.progress == (3, 10)
    assert store.queue.renew(claim, LONG).progress == (3, 10)
    assert store.queue.finish(claim, {"count": 7})
    done = store.queue.get(job.id)
    assert (done.state, done.result, done.error) == ("done", {"count": 7}, None)
    assert done.finished and done.started_at <= done.finished_at
    assert store.queue.claim(CALLS, LONG) is None


def test_nobody_is_asked_for_nothing(store):
    assert store.queue.claim(CALLS, LONG) is None
    assert store.queue.get(new_id()) is None
    assert store.queue.cancel(new_id()) is None and store.queue.retry(new_id()) is None
    put(store, "compile")
    assert store.queue.claim((), LONG) is None
    assert store.queue.claim(("reflect",), LONG) is None


def test_the_one_that_is_due_longest_comes_first(store):
    ids = [put(store, namespace=f"a/{n}") for n in range(5)]
    assert [take(store).job.id for _ in ids] == ids


def test_of_one_call_in_one_namespace_one_runs_at_a_time(store):
    one, two = put(store), put(store)
    whole = [put(store, namespace=None) for _ in range(2)]
    other, below = put(store, "compile"), put(store, namespace=f"{HOME}/x")
    first = take(store)
    assert [take(store).job.id for _ in range(3)] == [whole[0], other, below]
    assert first.job.id == one and store.queue.claim(CALLS, LONG) is None
    store.queue.finish(first, 0)
    assert take(store).job.id == two


def test_who_lost_his_claim_changes_nothing(store):
    id = put(store)
    late = expire(store)
    assert state(store, id) == "running"
    heir = take(store)
    assert (heir.job.id, heir.job.attempts) == (id, 2)
    assert store.queue.renew(late, LONG) is None
    assert not store.queue.finish(late, 1)
    assert not store.queue.fail(late, WRONG, None)
    assert not store.queue.release(late)
    assert store.queue.finish(heir, 2)
    assert store.queue.get(id).result == 2
    assert not store.queue.finish(heir, 3)


def test_a_lease_that_is_renewed_is_held(store):
    put(store)
    claim = take(store, SHORT)
    for _ in range(4):
        assert store.queue.renew(claim, LONG) is not None
        time.sleep(SHORT / 2)
    assert store.queue.claim(CALLS, LONG) is None


def test_a_lease_that_ran_out_unseen_may_still_be_renewed(store):
    put(store)
    claim = expire(store)
    assert store.queue.renew(claim, LONG) is not None
    assert store.queue.claim(CALLS, LONG) is None


def test_what_failed_is_tried_again_later_and_at_last_is_dead(store):
    id = put(store, max_attempts=3)
    assert store.queue.fail(take(store), WRONG, LONG)
    job = store.queue.get(id)
    assert (job.state, job.attempts, job.error) == ("waiting", 1, WRONG)
    assert job.due_at > job.started_at
    assert store.queue.claim(CALLS, LONG) is None
    other = put(store, max_attempts=2)
    for _ in range(2):
        assert store.queue.fail(take(store), WRONG, 0.0)
    dead = store.queue.get(other)
    assert (dead.state, dead.attempts, dead.error) == ("dead", 2, WRONG)
    assert dead.finished_at is not None
    final = put(store)
    store.queue.fail(take(store), WRONG, None)
    assert state(store, final) == "dead"
    assert {one.id for one in store.queue.list(None, state="dead")} == {other, final}


def test_a_job_that_kills_its_processes_dies_in_the_end(store):
    id = put(store, max_attempts=2)
    for _ in range(2):
        expire(store)
    assert store.queue.claim(CALLS, LONG) is None
    job = store.queue.get(id)
    assert (job.state, job.error["type"]) == ("dead", LOST["type"])


def test_a_dead_letter_is_put_back_with_all_its_attempts(store):
    id = put(store, max_attempts=2)
    store.queue.fail(take(store), WRONG, None)
    job = store.queue.retry(id)
    assert (job.state, job.attempts, job.error, job.finished_at) == ("waiting", 0, None, None)
    claim = take(store)
    assert store.queue.retry(id).state == "running"
    assert store.queue.finish(claim, 1)
    assert store.queue.retry(id).state == "done"


def test_what_is_given_back_costs_no_attempt(store):
    id = put(store, max_attempts=1)
    for _ in range(3):
        claim = take(store)
        assert store.queue.release(claim)
        assert not store.queue.release(claim)
        job = store.queue.get(id)
        assert (job.state, job.attempts) == ("waiting", 0)


def test_cancelling(store):
    waiting = put(store)
    assert store.queue.cancel(waiting).state == "cancelled"
    assert store.queue.claim(CALLS, LONG) is None
    for end in (
        lambda claim: store.queue.release(claim),
        lambda claim: store.queue.fail(claim, WRONG, 0.0),
        lambda claim: store.queue.fail(claim, WRONG, None),
    ):
        id = put(store)
        claim = take(store)
        asked = store.queue.cancel(id)
        assert (asked.state, asked.cancelling) == ("running", True)
        assert store.queue.renew(claim, LONG).cancelling
        assert end(claim)
        job = store.queue.get(id)
        assert (job.state, job.cancelling, job.finished) == ("cancelled", False, True)
    id = put(store)
    claim = take(store)
    store.queue.cancel(id)
    assert store.queue.finish(claim, 1)  # it was faster
    assert store.queue.cancel(id).state == "done"
    id = put(store)
    expire(store)
    store.queue.cancel(id)
    assert store.queue.claim(CALLS, LONG) is None
    assert state(store, id) == "cancelled"
    dead = put(store)
    store.queue.fail(take(store), WRONG, None)
    assert store.queue.cancel(dead).state == "cancelled"
    assert store.queue.retry(dead).state == "cancelled"


def test_a_key_enqueues_once(store):
    first = store.queue.enqueue(new(key="nightly"))
    again = store.queue.enqueue(new("compile", key="nightly", options={"x": 1}))
    assert again == first
    assert put(store, namespace="other", key="nightly") != first.id
    whole = put(store, namespace=None, key="nightly")
    assert put(store, namespace=None, key="nightly") == whole != first.id
    store.queue.finish(take(store), 1)
    assert store.queue.enqueue(new(key="nightly")).state == "done"
    store.queue.sweep(0.0, 0.0)
    assert put(store, key="nightly") != first.id


def test_listing(store):
    one = put(store, namespace="acme/ana")
    put(store, namespace="acme/ana-x")
    two = put(store, "compile", namespace="acme/ana/notes")
    whole = put(store, namespace=None)
    assert [job.id for job in store.queue.list("acme/ana")] == [two, one]
    everything = [job.id for job in store.queue.list(None)]
    assert everything[0] == whole and len(everything) == 4
    assert [job.id for job in store.queue.list("acme/ana", calls=("reflect",))] == [one]
    assert store.queue.list(None, calls=()) == []
    assert [job.id for job in store.queue.list(None, limit=2)] == everything[:2]
    page = store.queue.list(None, before=everything[1], limit=-1)
    assert [job.id for job in page] == everything[2:]
    store.queue.cancel(one)
    assert [job.id for job in store.queue.list("acme", state="cancelled")] == [one]


def test_sweeping(store):
    done, dead, cancelled, waiting = (put(store) for _ in range(4))
    store.queue.finish(take(store), 1)
    store.queue.fail(take(store), WRONG, None)
    store.queue.cancel(cancelled)
    assert store.queue.sweep(LONG, LONG) == []
    assert set(store.queue.sweep(0.0, LONG)) == {done, cancelled}
    assert [job.id for job in store.queue.list(None)] == [waiting, dead]
    assert store.queue.sweep(LONG, 0.0) == [dead]
    running = take(store)
    assert store.queue.sweep(0.0, 0.0) == [] and running.job.id == waiting


def test_jobs_die_with_a_purge_of_what_they_name(store):
    kept, gone = add(store, "kept", "gone")
    named = put(store, cubes=(gone, kept))
    other = put(store, cubes=(kept,))
    running = take(store)
    assert running.job.cubes == tuple(sorted((gone, kept)))
    purged, _ = store.purge([gone], ME)
    assert purged.jobs == (named,)
    assert store.queue.get(named) is None
    assert store.queue.renew(running, LONG) is None and not store.queue.finish(running, 1)
    assert [job.id for job in store.queue.list(None)] == [other]
    with pytest.raises(NotFound, match=gone):
        put(store, cubes=(gone,))


def test_jobs_die_with_the_last_cube_of_their_namespace(store):
    (one,) = add(store, "one", namespace="acme/ana")
    (below,) = add(store, "below", namespace="acme/ana/notes")
    (ben,) = add(store, "ben", namespace="acme/ben")
    ana, notes = put(store, namespace="acme/ana"), put(store, namespace="acme/ana/notes")
    acme, empty = put(store, namespace="acme"), put(store, namespace="new")
    whole = put(store, namespace=None)
    store.purge([one], ME)
    assert store.queue.get(ana) is not None
    assert store.purge([below], ME)[0].jobs in ((ana, notes), (notes, ana))
    assert {job.id for job in store.queue.list(None)} == {acme, empty, whole}
    store.retire([ben], ME)
    assert store.queue.get(acme) is not None
    assert store.purge([ben], ME)[0].jobs == (acme,)


def test_the_journal_and_an_export_have_no_jobs(store, other):
    add(store, "one")
    before = store.sequence()
    put(store)
    store.queue.finish(take(store), 1)
    assert store.sequence() == before
    other.restore([one for one in store.dump(None) if "cube" in one], None, ME)
    assert other.queue.list(None) == []


def test_many_threads_take_each_job_once(store):
    ids = [put(store, namespace=f"n/{n}") for n in range(60)]
    taken: list[str] = []

    def work():
        while claim := store.queue.claim(CALLS, LONG):
            taken.append(claim.job.id)
            store.queue.finish(claim, None)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids)


class Life(RuleBasedStateMachine):
    """Whatever happens in whatever order: a job is in one state, held by at most one claim, never
    run more often than it may, and gone only when it was swept."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.known: set[str] = set()
        self.claims: list[Claim] = []

    @rule(namespace=st.sampled_from(["a", "a/b", None]), most=st.integers(1, 3))
    def enqueue(self, namespace, most):
        self.known.add(put(self.store, namespace=namespace, max_attempts=most))

    @rule(lease=st.sampled_from([0.0, LONG]))
    def claim(self, lease):
        claim = self.store.queue.claim(CALLS, lease)
        if claim is not None:
            self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), end=st.sampled_from(["finish", "again", "dead", "release", "renew"]))
    def end(self, data, end):
        claim, queue = data.draw(st.sampled_from(self.claims)), self.store.queue
        {
            "finish": lambda: queue.finish(claim, 1),
            "again": lambda: queue.fail(claim, WRONG, 0.0),
            "dead": lambda: queue.fail(claim, WRONG, None),
            "release": lambda: queue.release(claim),
            "renew": lambda: queue.renew(claim, LONG),
        }[end]()

    @precondition(lambda self: self.known)
    @rule(data=st.data(), what=st.sampled_from(["cancel", "retry"]))
    def ask(self, data, what):
        getattr(self.store.queue, what)(data.draw(st.sampled_from(sorted(self.known))))

    @rule()
    def sweep(self):
        self.known -= set(self.store.queue.sweep(0.0, LONG))

    @invariant()
    def sound(self):
        jobs = self.store.queue.list(None, limit=-1)
        assert {job.id for job in jobs} == self.known
        for job in jobs:
            assert 0 <= job.attempts <= job.max_attempts
            assert job.finished == (job.finished_at is not None)
            assert (job.state == "dead") <= (job.error is not None)
            held = [c for c in self.claims if c.job.id == job.id]
            assert (job.state == "running") <= bool(held)
            assert job.cancelling <= (job.state == "running")


def test_no_order_of_events_breaks_it(kind, tmp_path_factory):
    class Here(Life):
        def __init__(self) -> None:
            super().__init__()
            self.store = STORES[kind](tmp_path_factory.mktemp("life"))

        def teardown(self) -> None:
            self.store.close()

    Here.TestCase.settings = settings(
        max_examples=12, stateful_step_count=25, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    Here.TestCase("runTest").runTest()
