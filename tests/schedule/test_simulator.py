import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import methods
from mnemon.bench.schedule import drawn
from mnemon.errors import InvalidInput
from mnemon.schedule.costs import Costs
from mnemon.schedule.simulator import simulate
from mnemon.schedule.view import DISK, HOST, view

POLICIES = methods.names("schedule.policies")
SMALL = {"cubes": 120, "questions": 60}
questions = st.lists(
    st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True), min_size=1, max_size=12
)
tokens = st.lists(st.integers(8, 200), min_size=6, max_size=6)


def run(trace, name, seen, **options):
    told = []
    outcome = simulate(
        trace, methods.load("schedule.policies", name, **options), seen, lambda *a: told.append(a)
    )
    return outcome, told


@pytest.mark.parametrize("name", POLICIES)
def test_with_room_for_all_each_cube_is_waited_for_once(name, make, seen):
    trace = make([[0, 1], [1, 2], [0, 1, 2], [2]])
    view = seen(trace, 1000, 1000)
    outcome, _ = run(trace, name, view)
    assert (outcome.misses, outcome.host_hits, outcome.disk_hits) == (3, 5, 0)
    assert outcome.waited == pytest.approx(3 * view.compute[0] + 5 * view.from_host[0])
    assert outcome.written == 0


@pytest.mark.parametrize("name", POLICIES)
def test_with_no_room_everything_is_computed_every_time(name, make, seen):
    trace = make([[0, 1], [1, 0]])
    view = seen(trace, 0, 0)
    outcome, _ = run(trace, name, view)
    assert outcome.misses == 4
    assert outcome.cost(0.25) == pytest.approx(4 * view.compute[0])


def test_lru_by_hand(make, seen):
    # Room for one in the host and one on disk.
    trace = make([[0], [1], [0], [2], [1]])
    outcome, told = run(trace, "lru", seen(trace, 50, 50))
    assert (outcome.host_hits, outcome.disk_hits, outcome.misses) == (0, 1, 4)
    moves = [(now, one.action, one.cube) for now, one in told]
    assert moves == [
        (1, "demote", 0),
        (2, "demote", 1),
        (2, "drop", 1),
        (3, "drop", 0),
        (4, "demote", 2),
        (4, "drop", 0),
    ]


def test_a_copy_on_disk_that_was_promoted_is_not_written_again(make, seen):
    trace = make([[0], [1], [0], [1], [0], [1]])
    outcome, _ = run(trace, "lru", seen(trace, 50, 100))
    assert (outcome.writes, outcome.disk_hits) == (2, 4)


class Watched:
    """A policy that looks at what the tiers hold after each question."""

    def __init__(self, policy):
        self.policy = policy

    def start(self, view):
        self.view, self.running = view, self.policy.start(view)
        for name in ("used", "worth", "leaves", "left"):
            setattr(self, name, getattr(self.running, name))
        return self

    def ahead(self, where, on_disk, free, now):
        on_host = where == HOST
        assert self.view.bytes[on_host].sum() <= self.view.host_bytes
        assert self.view.bytes[on_disk].sum() <= self.view.disk_bytes
        assert free == pytest.approx(self.view.disk_bytes - self.view.bytes[on_disk].sum())
        assert (where[on_disk & ~on_host] == DISK).all()
        return self.running.ahead(where, on_disk, free, now)


@pytest.mark.parametrize("name", POLICIES)
@given(questions=questions, tokens=tokens, host=st.integers(0, 300), disk=st.integers(0, 500))
def test_tiers_keep_to_their_budgets_and_all_that_is_written_is_told(
    name, questions, tokens, host, disk, make, seen
):
    trace, told = make(questions, tokens), []
    view = seen(trace, host, disk)
    policy = Watched(methods.load("schedule.policies", name))
    outcome = simulate(trace, policy, view, lambda now, one: told.append(one))
    assert outcome.misses + outcome.host_hits + outcome.disk_hits == trace.accesses
    written = [one.cube for one in told if one.action != "drop"]
    assert outcome.writes == len(written)
    assert outcome.written == pytest.approx(view.write[written].sum())
    assert all(one.reason for one in told)


@pytest.mark.parametrize("name", POLICIES)
def test_the_same_trace_costs_the_same(name):
    trace = drawn.drifting(1, topics=6, **SMALL)
    seen = view(trace, Costs(), 1e7, 4e7, 0.25)
    assert run(trace, name, seen) == run(drawn.drifting(1, topics=6, **SMALL), name, seen)


def test_negative_budgets_are_refused(make):
    with pytest.raises(InvalidInput, match="0 or more"):
        view(make([[0]]), Costs(), -1, 0, 0.25)


def test_a_question_uses_no_cube_twice(make):
    with pytest.raises(InvalidInput, match="twice"):
        make([[0, 0]])
