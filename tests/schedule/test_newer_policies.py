from .test_simulator import run


def test_s3_fifo_keeps_what_was_used_twice_on_trial_and_what_it_remembers(make, seen):
    # Room for two in the host. 0 is used twice while on trial: 1 leaves, and returns to the main
    # queue, for it is remembered: then 2 leaves.
    trace = make([[0], [1], [0], [0], [2], [0], [1], [0], [1]])
    outcome, told = run(trace, "s3-fifo", seen(trace, 100, 0))
    assert [one.cube for _, one in told if one.action == "drop"] == [1, 2]
    assert (outcome.host_hits, outcome.misses) == (5, 4)


def test_s3_fifo_lets_go_what_was_used_once_on_trial(make, seen):
    trace = make([[0], [1], [0], [2]])
    _, told = run(trace, "s3-fifo", seen(trace, 100, 0))
    assert [one.cube for _, one in told] == [0]


def test_lhd_lets_the_larger_of_two_equals_go(make, seen):
    trace = make([[0, 1], [2]], tokens=(40, 60, 30, 1, 1, 1))
    _, told = run(trace, "lhd", seen(trace, 100, 0))
    assert [one.cube for _, one in told] == [1]


def test_lhd_learns_that_what_is_hit_soon_is_hit_again(make, seen):
    # 0 and 1 are hit every other question; of 2 to 5 each is used once in four rounds.
    rounds = [one for n in range(120) for one in ([0], [1], [2 + n % 4])]
    trace = make(rounds)
    lhd, _ = run(trace, "lhd", seen(trace, 150, 0), learns=16, coarse=1)
    assert lhd.host_hits >= 2 * 120 - 10
