"""No order of events breaks a queue."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mnemon.store import Store
from mnemon.store.queue import Claim

from .jobs import CALLS, LONG, WRONG, put
from .stores import STORES, Place


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


def test_no_order_of_events_breaks_it(kind, tmp_path_factory, request):
    class Here(Life):
        def __init__(self) -> None:
            super().__init__()
            folder = tmp_path_factory.mktemp("life")
            place = Place(folder, lambda: request.getfixturevalue("database")("life"))
            self.store = STORES[kind](place)

        def teardown(self) -> None:
            self.store.close()

    Here.TestCase.settings = settings(
        max_examples=12, stateful_step_count=25, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    Here.TestCase("runTest").runTest()
