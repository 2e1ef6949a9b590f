"""Quotas and rates: what a tenant may hold, and how fast a key may ask."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx2
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Draft, Memory
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, QuotaExceeded, RateLimited
from mnemon.server.keys import beside
from mnemon.server.rates import Bucket, Rate, parse
from mnemon.server.rates.process import RatesInProcess
from mnemon.store import open_store


@pytest.fixture
def run(path):
    def call(*args, expect=0):
        done = CliRunner().invoke(mnemon, ["--store", str(path), *args])
        assert done.exit_code == expect, done.output
        return done.stdout

    return call


@pytest.fixture
def full(path, run):
    """A store in which `acme` may hold three cubes, and holds two."""
    with Memory(path) as memory:
        memory.add(["one", "two"], namespace="acme/ana")
    run("quota", "set", "acme", "--cubes", "3")
    return path


def held(path):
    store = open_store(str(path))
    try:
        return [(one.held_cubes, one.held_bytes) for one in store.quotas()]
    finally:
        store.close()


def test_what_would_be_over_is_refused_whole(full, serve, problem):
    url = serve()
    with Memory(url, namespace="acme/ana") as memory:
        with pytest.raises(QuotaExceeded, match="3 cubes") as told:
            memory.add(["three", "four"])
        assert (told.value.namespace, told.value.of, told.value.most) == ("acme", "cubes", 3)
        assert memory.count() == 2
        three = memory.add("three", key="three")
        assert memory.add("three", key="three") == three  # what is there already adds nothing
        memory.update(three.id, "three again")
        memory.add("elsewhere", namespace="acme0")
        memory.forget(three.id)
        memory.add("another", namespace="acme/ben")
        with pytest.raises(QuotaExceeded):
            memory.restore(three.id)
    answer = httpx2.post(f"{url}/v1/add", json={"content": "x", "namespace": "acme"})
    problem(answer, 403, "urn:mnemon:quota-exceeded")


def test_bytes_count_all_versions_until_a_purge(path, run):
    with Memory(path) as memory:
        run("quota", "set", "default", "--bytes", "1KiB")
        cube = memory.add(Draft("é" * 200, metadata={"a": 1}))
        memory.update(cube.id, "x" * 600)
        assert held(path) == [(1, 400 + 600 + 2 * len('{"a": 1}'))]
        with pytest.raises(QuotaExceeded, match="bytes"):
            memory.add("one byte too many, with the others")
        memory.forget(cube.id)
        with pytest.raises(QuotaExceeded):
            memory.add("the past counts, and this is over")
        memory.forget(cube.id, purge=True)
        assert held(path) == [(0, 0)]
        memory.add("now there is room")
        assert memory.fsck() == []


def test_an_import_stops_at_the_quota(full, tmp_path, serve):
    (tmp_path / "a.md").write_text("# A\n\nfirst\n\n# B\n\nsecond\n\n# C\n\nthird\n")
    with Memory(tmp_path / "other.db") as other:
        other.add(["five", "six"], namespace="acme/x")
        other.export(tmp_path / "x.jsonl")
    with Memory(serve()) as memory:
        for name in ("a.md", "x.jsonl"):
            with pytest.raises(QuotaExceeded):
                memory.import_(tmp_path / name, namespace="acme/ana")
        assert memory.count(namespace="acme") <= 3


def fill(path, number):
    with Memory(path) as memory:
        done = 0
        for n in range(20):
            try:
                memory.add(f"{number} wrote {n}", namespace=f"acme/{number}")
                done += 1
            except QuotaExceeded:
                return done
        return done


def test_many_writers_do_not_overrun_it(path, run, serve):
    with Memory(path) as memory:
        memory.add("elsewhere")
    run("quota", "set", "acme", "--cubes", "25")
    with (
        multiprocessing.get_context("spawn").Pool(2) as processes,
        ThreadPoolExecutor(4) as threads,
        Memory(serve()) as remote,
    ):
        others = processes.starmap_async(fill, [(path, 1), (path, 2)])
        list(threads.map(lambda n: _try(remote, n), range(40)))
        others.get(60)
    assert held(path)[0][0] == 25
    with Memory(path) as memory:
        assert (memory.count(namespace="acme"), memory.fsck()) == (25, [])


def _try(memory, n):
    with suppress(QuotaExceeded):
        memory.add(f"thread wrote {n}", namespace="acme/t")


def test_counters_that_went_wrong_are_found_and_mended(path):
    import sqlite3

    with Memory(path) as memory:
        memory.add("x")
        with sqlite3.connect(path) as raw:
            raw.execute("UPDATE holdings SET cubes = 7")
        raw.close()
        assert [one.rule for one in memory.fsck()] == ["holdings-counted"]
        assert memory.fsck(repair=True) == []


def test_an_older_store_is_counted_when_it_is_opened(path, run):
    import sqlite3

    with Memory(path) as memory:
        memory.add(["one", "two"], namespace="acme/ana")
        memory.forget(memory.add("three", namespace="acme").id, namespace="acme")
    with sqlite3.connect(path) as raw:  # as the layout before had it
        made = raw.execute("SELECT type, name FROM sqlite_master WHERE name LIKE 'holdings%' "
                           "OR name IN ('quotas', 'retention', 'holds')").fetchall()  # fmt: skip
        for kind, name in sorted(made, reverse=True):  # triggers first
            raw.execute(f"DROP {kind} {name}")
        raw.execute("DROP INDEX journal_changes")
        raw.execute("DROP INDEX artifacts_parent")
        raw.execute("ALTER TABLE artifacts DROP COLUMN parent")
        raw.executescript("DROP TABLE removals; DROP TABLE places")
        raw.executescript("DROP TABLE promotions; DROP TABLE withheld; DROP TABLE budgets")
        for column in ("helpful", "unhelpful"):
            raw.execute(f"ALTER TABLE artifacts DROP COLUMN {column}")
        raw.execute("DELETE FROM migrations WHERE number > 2")
        raw.execute("PRAGMA user_version = 2")
    raw.close()
    run("quota", "set", "acme", "--cubes", "2")
    assert held(path) == [(2, 11)]
    with Memory(path) as memory:
        assert memory.fsck() == []


def test_the_command_sets_lists_and_removes(full, run):
    run("quota", "set", "acme/ana", "--bytes", "1GiB", "--cubes", "0")
    shown = json.loads(run("quota", "list", "--json"))
    assert [(one["namespace"], one["cubes"], one["bytes"], one["held_cubes"]) for one in shown] == [
        ("acme", 3, None, 2), ("acme/ana", 0, 2**30, 2),
    ]  # fmt: skip
    assert "1,073,741,824" in run("quota", "list")
    run("quota", "remove", "acme")
    run("quota", "remove", "acme", expect=1)
    run("quota", "set", "acme", expect=2)
    run("quota", "set", "acme", "--bytes", "much", expect=2)
    run("quota", "set", "../acme", "--cubes", "1", expect=2)


def test_a_key_that_asks_too_fast_is_told_how_long_to_wait(serve, path, problem):
    token, _ = beside(path).add("ana", ["acme"], rate="3/m")
    headers = {"Authorization": f"Bearer {token}"}
    answers = [httpx2.get(f"{serve()}/v1/count", headers=headers) for _ in range(1)]
    url = str(answers[0].url)
    answers += [httpx2.get(url, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit"][:9] for answer in answers] == [
        '"key";r=2', '"key";r=1', '"key";r=0', '"key";r=0',
    ]  # fmt: skip
    assert answers[0].headers["ratelimit-policy"] == '"key";q=3;w=60'
    told = problem(answers[3], 429, "urn:mnemon:rate-limited")
    assert 0 < told["retry_after"] <= 20 >= int(answers[3].headers["retry-after"]) >= 1


def test_the_client_waits_and_asks_again_also_for_writes(serve, path):
    token, _ = beside(path).add("ana", ["acme"], rate="10/s")
    with Memory(serve(), api_key=token, namespace="acme") as memory:
        for n in range(14):
            memory.add(f"number {n}")
        assert memory.count() == 14


def test_the_client_does_not_wait_for_hours(serve, path):
    token, _ = beside(path).add("ana", ["acme"], rate="1/h")
    with Memory(serve(), api_key=token, namespace="acme") as memory:
        memory.count()
        with pytest.raises(RateLimited) as told:
            memory.count()
        assert 3000 < told.value.retry_after <= 3600


@given(
    st.integers(1, 50), st.sampled_from([1, 60, 3600]),
    st.lists(st.floats(0, 100), min_size=1, max_size=200),
)  # fmt: skip
def test_no_more_get_in_than_the_rate_says(most, seconds, gaps):
    now = [0.0]
    bucket, rates, let_in = Bucket(Rate(most, seconds), "key"), RatesInProcess(lambda: now[0]), 0
    for gap in gaps:
        now[0] += gap
        standings, error = rates.take([bucket])
        let_in += error is None
        assert let_in <= most + now[0] * most / seconds + 1e-6
        assert 0 <= standings[bucket].left < most
        if error is not None:
            now[0] += error.retry_after + 1e-6
            assert rates.take([bucket])[1] is None  # as it was told
            let_in += 1


@pytest.mark.parametrize("text", ["", "5", "0/s", "5/w", "-1/s", "5/s "])
def test_what_is_no_rate_is_refused(path, text):
    with pytest.raises(InvalidInput):
        parse(text)
    with pytest.raises(InvalidInput):
        beside(path).add("a", None, rate=text)


def test_a_role_is_a_word_for_verbs(path, run, serve):
    token = run("key", "add", "ana", "--in", "acme", "--role", "writer", "--rate", "9/s").split()[
        -1
    ]
    shown = json.loads(run("key", "list", "--json"))[0]
    assert (shown["role"], shown["verbs"], shown["rate"]) == ("writer", ["read", "write"], "9/s")
    assert "writer (read, write)" in run("key", "list")
    told = httpx2.get(f"{serve()}/v1/status", headers={"Authorization": f"Bearer {token}"}).json()
    assert (told["role"], told["verbs"], told["rate"]) == ("writer", ["read", "write"], "9/s")
    assert beside(path).add("same", None, ["write", "read"])[1].role == "writer"
    assert beside(path).add("odd", None, ["write"])[1].role is None
    run("key", "add", "x", "--in", "acme", "--role", "writer", "--may", "read", expect=2)
