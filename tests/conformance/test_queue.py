"""The queue: what is enqueued is done at least once, by one at a time, and nothing is lost."""

from __future__ import annotations

import threading
import time

from mnemon.identity import new_id

from .jobs import CALLS, LONG, SHORT, WRONG, expire, new, put, state, take
from .rows import HOME, ME, add


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


def test_the_journal_and_an_export_have_no_jobs(store, other):
    add(store, "one")
    before = store.sequence(HOME)
    put(store)
    store.queue.finish(take(store), 1)
    assert store.sequence(HOME) == before
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
