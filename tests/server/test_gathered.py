"""Calls that arrive together: what is carried out with what, for whom, and what is withdrawn."""

from __future__ import annotations

import asyncio
import functools
import threading
import time

import pytest

from mnemon.server.gathered import Gathered


class Slow:
    """Doubles numbers, once it may; None fails alone, a text fails everyone."""

    def __init__(self):
        self.may = threading.Event()
        self.seen = []

    def __call__(self, calls):
        self.seen.append(list(calls))
        self.may.wait(30)
        return [ValueError("none") if call is None else call - -call for call in calls]


async def begun(work, count):
    while len(work.seen) < count:
        await asyncio.sleep(0.001)


def alone(test):
    """An async test in an event loop of its own."""

    @functools.wraps(test)
    def run(**given):
        asyncio.run(test(**given))

    return run


def asked(gathered, *calls):
    return [asyncio.ensure_future(gathered.ask(call)) for call in calls]


@alone
async def test_what_comes_while_others_are_carried_out_goes_together():
    work = Slow()
    gathered = Gathered(work)
    asking = asked(gathered, 1)
    await begun(work, 1)
    asking += asked(gathered, 2)
    await begun(work, 2)
    asking += asked(gathered, 3, None, 5)
    await asyncio.sleep(0)
    work.may.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert answers[:3] == [2, 4, 6] and answers[4] == 10
    assert isinstance(answers[3], ValueError)
    assert work.seen == [[1], [2], [3, None, 5]]


@alone
async def test_what_fails_for_all_is_told_to_all_and_to_nobody_after_them():
    work = Slow()
    work.may.set()
    gathered = Gathered(work)
    answers = await asyncio.gather(*asked(gathered, "a", "b"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [TypeError, TypeError]
    assert await gathered.ask(4) == 8


@pytest.mark.parametrize("binding", [False, True])
@alone
async def test_a_caller_who_goes_away_withdraws_a_call_that_is_not_binding(binding):
    work = Slow()
    gathered = Gathered(work, binding=binding)
    first = asked(gathered, 1, 2)
    await begun(work, 1)
    second = asked(gathered, 3)
    await begun(work, 2)
    (left,) = asked(gathered, 4)
    last = asked(gathered, 5)
    await asyncio.sleep(0)
    left.cancel()
    work.may.set()
    assert await asyncio.gather(*first, *second, *last) == [2, 4, 6, 10]
    assert sorted(call for calls in work.seen for call in calls) == (
        [1, 2, 3, 4, 5] if binding else [1, 2, 3, 5]
    )


@alone
async def test_no_call_is_forgotten_when_those_at_work_end_together():
    for _ in range(20):
        work = Slow()
        gathered = Gathered(work)

        async def twice(gathered=gathered):
            return await gathered.ask(1), await gathered.ask(2)

        first = asyncio.ensure_future(twice())
        await begun(work, 1)
        second = asyncio.ensure_future(gathered.ask(3))
        await begun(work, 2)
        work.may.set()
        time.sleep(0.005)  # the loop is busy, and notices both at once
        assert await asyncio.wait_for(asyncio.gather(first, second), 10) == [(2, 4), 6]
