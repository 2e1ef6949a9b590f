"""What both homes promise: keys, sessions, the audit log, rates."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from mnemon.errors import InvalidInput, NotFound, StoreCorrupt
from mnemon.server.audit import table
from mnemon.server.audit.entry import digest_of
from mnemon.server.audit.taking_over import take_over
from mnemon.server.audit.verifying import verify
from mnemon.server.homes import files
from mnemon.server.keys import VERBS
from mnemon.server.rates.process import RatesInProcess
from mnemon.server.rates.rate import Bucket, parse
from mnemon.server.sessions import Sessions


def at_once(work, times):
    """Run a work so often at the same moment; what they gave."""
    start = threading.Barrier(times)

    def begin(number):
        start.wait()
        return work(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(begin, range(times)))


def test_a_key_is_known_to_all_until_one_ends_it(home, again):
    other = again()
    assert not home.keys.in_use() and not other.keys.in_use()
    token, key = home.keys.add("ana", ["acme/ana"], ["read"], rate="5/s")
    assert other.keys.in_use() and other.keys.find(token) == key == other.keys.living(key.id)
    assert other.keys.find(token[:-1]) is None and other.keys.find("é\ud800") is None
    newer, second = other.keys.rotate(key.id, timedelta(hours=1))
    assert home.keys.find(token).id == key.id and home.keys.find(newer) == second
    assert (second.name, second.namespaces, second.rate) == ("ana", ("acme/ana",), "5/s")
    other.keys.revoke(key.id)
    assert home.keys.find(token) is None and home.keys.living(key.id) is None
    assert [one.id for one in home.keys.known()] == [key.id, second.id]
    for call in (home.keys.revoke, lambda one: home.keys.rotate(one, timedelta(0))):
        with pytest.raises(NotFound):
            call("nobody")
    with pytest.raises(NotFound, match="no longer alive"):
        home.keys.rotate(key.id, timedelta(0))
    late, _ = home.keys.add("late", None, VERBS, datetime.now(UTC) - timedelta(seconds=1))
    assert other.keys.find(late) is None


def test_keys_are_added_at_once_and_none_is_lost(home, again):
    others = [again() for _ in range(4)]
    made = at_once(lambda n: others[n].keys.add(f"key {n}", None)[1].id, 4)
    assert {key.id for key in home.keys.known()} == set(made)


def test_of_rotations_at_once_each_follows_a_living_key(home, again):
    _, key = home.keys.add("ana", None)
    others = [again() for _ in range(3)]

    def rotate(number):
        try:
            return others[number].keys.rotate(key.id, timedelta(0))[0]
        except NotFound:
            return None

    assert len([token for token in at_once(rotate, 3) if token and home.keys.find(token)]) == 1


def test_keys_of_elsewhere_are_taken_in_once_and_end_as_they_do_there(home, tmp_path):
    there = files.beside(tmp_path / "old.db").keys
    (one, first), (two, second) = there.add("one", ["a"]), there.add("two", None)
    mine, own = home.keys.add("own", None)
    assert [key.id for key in home.keys.take_in(there.known())] == [first.id, second.id]
    assert [home.keys.find(token) for token in (one, two, mine)] == [first, second, own]
    there.revoke(first.id)
    home.keys.revoke(second.id)
    assert [key.id for key in home.keys.take_in(there.known())] == [first.id]
    assert [home.keys.find(token) for token in (one, two, mine)] == [None, None, own]


def test_a_session_is_known_to_all_until_it_ends(home, again):
    other = again()
    _, key = home.keys.add("ana", None)
    id = home.sessions.begin(key)
    assert other.sessions.cookie == home.sessions.cookie
    assert other.sessions.key(id) == key and other.sessions.key("guessed") is None
    other.sessions.end(id)
    assert home.sessions.key(id) is None
    gone = Sessions(home.sessions._shelf, home.keys, seconds=-1)
    assert home.sessions.key(gone.begin(key)) is None
    id = home.sessions.begin(key)
    other.keys.revoke(key.id)
    assert home.sessions.key(id) is None


def test_many_append_to_one_chain_and_receipts_are_found_in_it(home, again):
    logs, receipt = [again().log for _ in range(3)], {"cubes": 1, "ids": ["x"]}
    assert home.log.empty() and verify(home.log).problems == []

    def append(number):
        for one in range(10):
            logs[number].append("key", "add", "done", detail={"n": one})

    at_once(append, 3)
    home.log.append("key", "forget", "done", receipt=digest_of(receipt))
    found = verify(home.log, receipts=[receipt])
    assert (found.problems, found.notes, found.entries, found.head[0]) == ([], [], 31, 31)
    assert [one.seq for one in found.receipts] == [31]
    assert [entry.seq for _, entry in home.log.entries()] == list(range(1, 32))
    home.log.append("key", "add", "done")
    assert verify(home.log, [found.head]).problems == []
    assert verify(home.log, [(31, "0" * 64)]).problems != []


def test_nobody_gets_more_than_a_rate_however_many_he_asks(home):
    key = Bucket(parse("5/h"), "key")
    told = [home.rates.take([key]) for _ in range(7)]
    assert [standings[key].left for standings, _ in told] == [4, 3, 2, 1, 0, 0, 0]
    assert [error is None for _, error in told] == [True] * 5 + [False] * 2
    assert 700 < told[-1][1].retry_after <= 720 and 3590 < told[-1][0][key].reset <= 3600
    assert home.rates.take([replace(key, id="another key")])[1] is None


def test_of_several_buckets_all_are_taken_from_or_none(home):
    key, tenant = Bucket(parse("5/h"), "key"), Bucket(parse("3/h"), namespace="acme")
    above = Bucket(parse("1/d"), namespace="a")
    for left in (2, 1, 0):
        standings, error = home.rates.take([key, tenant])
        assert (standings[key].left, standings[tenant].left, error) == (left + 2, left, None)
    standings, error = home.rates.take([key, tenant])
    assert error.namespace == "acme" and 1100 < error.retry_after <= 1200
    assert (standings[key].left, standings[tenant].left) == (2, 0)
    assert home.rates.take([above])[1] is None
    assert home.rates.take([above, tenant])[1].namespace == "a"  # which is waited for longer
    home.rates.give_back([tenant, key])
    assert [one.left for one in home.rates.take([tenant, key])[0].values()] == [0, 2]
    assert [home.rates.take([key])[1] is None for _ in range(3)] == [True, True, False]
    for _ in range(9):
        home.rates.give_back([key])
    assert home.rates.take([key])[0][key].left == 4  # never more than it holds


@pytest.fixture
def url(address):
    """The database's address: what there is in one only."""
    return address


@pytest.mark.parametrize("address", ["database"], indirect=True)
class TestInTheDatabase:
    """What there is in a database only."""

    def test_a_bucket_fills_and_empties_as_one_in_a_process_does(self, home, url):
        both, now = [Bucket(parse("7/h"), "k"), Bucket(parse("9/d"), namespace="acme")], [0.0]
        slow, told = RatesInProcess(lambda: now[0]), []
        for gap in [0] * 9 + [100, 500, 0, 2000, 0, 0, 0, 0, 90_000] + [0] * 8 + [300, 300]:
            now[0] += gap
            with psycopg.connect(url) as plain:  # time goes by
                plain.execute("SET LOCAL mnemon.tenant = '0'")
                plain.execute("UPDATE rates SET at = at - %s", (gap * 1_000_000,))
            (mine, refused), (theirs, error) = home.rates.take(both), slow.take(both)
            assert (refused is None) == (error is None)
            for bucket in both:
                assert mine[bucket].left == theirs[bucket].left
                assert abs(mine[bucket].reset - theirs[bucket].reset) <= 60
            told.append(None if error is None else error.namespace or "key")
        assert {None, "key", "acme"} == set(told)

    def test_a_rate_counts_over_all_who_are_asked_at_once(self, home, again):
        others = [again().rates for _ in range(4)]

        def ask(number):
            # In both orders: who locks rows in the order he names them would wait for ever.
            mine = [Bucket(parse("20/d"), f"k{number}"), Bucket(parse("9/h"), namespace="acme")]
            mine = mine[:: -1 if number % 2 else 1]
            return [others[number].take(mine)[1] is None for _ in range(5)]

        let_in = [sum(one) for one in at_once(ask, 4)]
        assert sum(let_in) == 9
        left = [home.rates.take([Bucket(parse("20/d"), f"k{n}")])[0] for n in range(4)]
        assert [told.left for one in left for told in one.values()] == [19 - n for n in let_in]

    def test_of_many_who_begin_a_round_one_does(self, home, again):
        rounds = [again().rounds for _ in range(4)]
        assert sum(at_once(lambda n: rounds[n].begin("retention", 3600), 4)) == 1
        assert home.rounds.begin("schedule", 3600) and home.rounds.begin("retention", 0)
        assert not home.rounds.begin("retention", 3600)

    def test_what_a_superuser_does_to_the_log_shows(self, home, postgresql):
        for _ in range(4):
            home.log.append("key", "add", "done")
        anchor = verify(home.log).head
        superuser = psycopg.connect(postgresql.url("one", "postgres"), autocommit=True)

        def after(statement):
            superuser.execute(statement)
            return verify(home.log, [anchor]).problems

        assert "was changed" in " ".join(
            after("UPDATE audit SET entry = replace(entry, '\"add\"', '\"ask\"') WHERE seq = 2")
        )
        assert "was to follow" in " ".join(after("DELETE FROM audit WHERE seq = 2"))
        assert "cut off the end" in " ".join(after("DELETE FROM audit WHERE seq = 4"))
        home.log.append("key", "add", "done")  # it goes on, and the gap stays
        assert "was to follow" in " ".join(verify(home.log).problems)
        assert "head is missing" in " ".join(after("DELETE FROM audit_head"))
        home.log.append("key", "add", "done")
        assert "mended (head missing)" in " ".join(verify(home.log).problems)
        superuser.close()

    def test_a_machine_that_stands_still_holds_up_nobody_for_long(self, home, again, monkeypatch):
        still, begun, goes_on = again().log, threading.Event(), threading.Event()
        append = table._append

        def slowly(connection, drafts):
            entries = append(connection, drafts)
            begun.set()
            goes_on.wait()
            return entries

        monkeypatch.setattr("mnemon.store.postgres.connection._STILL_S", 0.2)
        monkeypatch.setattr(table, "_append", slowly)
        with ThreadPoolExecutor(1) as pool:
            standing = pool.submit(still.append, "a", "add", "done")
            while not home.log._shared.ask(
                "SELECT 1 FROM pg_locks WHERE relation = 'audit'::regclass"
            ):
                pass
            monkeypatch.setattr(table, "_append", append)
            assert home.log.append("b", "add", "done").seq == 1
            goes_on.set()
            assert standing.result().seq == 2  # its turn came to nothing, and was taken again
        assert verify(home.log).problems == []

    def test_old_entries_may_be_taken_out_and_an_anchor_vouches_for_the_rest(
        self, home, postgresql
    ):
        first = home.log.append("key", "add", "done")
        home.log.append("key", "add", "done")
        with psycopg.connect(postgresql.url("one", "postgres")) as superuser:
            superuser.execute("DELETE FROM audit WHERE seq <= 1")
        assert verify(home.log, [(first.seq, first.hash)]).problems == []
        assert verify(home.log).problems != []

    def test_the_servers_own_role_cannot_change_the_log_and_sees_no_key_by_chance(self, home, url):
        home.keys.add("ana", None)
        home.log.append("key", "add", "done")
        with psycopg.connect(url) as plain:
            for whose in ("mnemon.whole = 'on'", "mnemon.tenant = '1'"):
                plain.execute(f"SET LOCAL {whose}")
                for table in ("keys", "audit", "audit_head", "sessions", "rates", "rounds"):
                    assert plain.execute(f"SELECT * FROM {table}").fetchall() == []
            plain.execute("SET LOCAL mnemon.tenant = '0'")
            assert plain.execute("UPDATE audit SET entry = ''").rowcount == 0
            assert plain.execute("DELETE FROM audit").rowcount == 0
            assert len(plain.execute("SELECT * FROM audit").fetchall()) == 1

    def test_a_log_in_files_goes_on_in_the_database(self, home, tmp_path):
        old, receipt = files.beside(tmp_path / "old.db").log, {"cubes": 2}
        with pytest.raises(InvalidInput, match="no audit log"):
            take_over(home.log, old)
        for _ in range(3):
            old.append("key", "forget", "done", receipt=digest_of(receipt))
        taken = take_over(home.log, old)
        assert taken.continued and (taken.seq, taken.hash) == verify(old).head
        home.log.append("key", "add", "done")
        found = verify(home.log, [(taken.seq, taken.hash)], [receipt])
        assert (found.problems, found.entries, len(found.receipts)) == ([], 5, 3)

    def test_to_a_log_that_has_entries_the_end_of_another_is_told(self, home, tmp_path):
        old = files.beside(tmp_path / "old.db").log
        old.append("key", "add", "done")
        home.log.append("key", "add", "done")
        taken = take_over(home.log, old)
        last = [entry for _, entry in home.log.entries()][-1]
        assert not taken.continued and (last.verb, last.seq) == ("audit-import", 2)
        assert verify(old, [(last.detail["seq"], last.detail["hash"])]).problems == []
        old.path.write_text(old.path.read_text().replace('"add"', '"ask"'))
        with pytest.raises(StoreCorrupt, match="was changed"):
            take_over(home.log, old)
