"""Quotas, retention rules and holds: checked by the write itself, and a refused one is undone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mnemon.errors import OnHold, QuotaExceeded
from mnemon.store.rows import Addition, Budget, Rule

from .rows import HOME, ME, add, found, made_from, new

LATER = 2**60


def held(store):
    return [(one.namespace, one.held_cubes, one.held_bytes) for one in store.quotas()]


def test_a_quota_binds_all_below_it_and_nothing_beside_it(store):
    store.set_quota("acme", 2, None)
    store.set_quota(HOME, None, 8)
    add(store, "four", "4444")
    with pytest.raises(QuotaExceeded) as caught:
        add(store, "x", namespace="acme/ben")
    assert "acme" in str(caught.value)
    add(store, "x", namespace="acme-x")
    assert held(store) == [("acme", 2, 8), (HOME, 2, 8)]
    assert found(store, "acme/ben") == []
    assert store.remove_quota("acme") and not store.remove_quota("acme")
    assert not store.remove_quota("nobody")
    with pytest.raises(QuotaExceeded):
        add(store, "x")
    store.set_quota(HOME, None, None)
    add(store, "x")


def test_a_quota_may_be_a_rate_which_no_write_checks(store):
    store.set_quota("ben", 1, None)
    store.set_quota("acme", None, 8, "5/s")
    store.set_quota(HOME, None, None, "1/d")
    add(store, *"123456", namespace="acme/x")
    assert store.rates() == [("acme", "5/s"), (HOME, "1/d")]
    assert [(one.bytes, one.held_cubes, one.rate) for one in store.quotas()] == [
        (8, 6, "5/s"), (None, 0, "1/d"), (None, 0, None),
    ]  # fmt: skip
    store.set_quota("acme", None, 8)
    assert store.remove_quota(HOME) and store.rates() == []


def test_what_is_held_follows_every_write(store):
    store.set_quota("acme", 10, None)
    one, two, three = add(store, "é", "two", "three", metadata={"a": 1})
    every = 2 + 3 + 5 + 3 * len('{"a": 1}')
    assert held(store) == [("acme", 3, every)]
    store.update(one, 1, new("longer"), None, ME, "update")
    assert held(store) == [("acme", 3, every + 6)]
    store.retire([two], ME)
    assert held(store) == [("acme", 2, every + 6)]
    store.purge([one], ME)
    assert held(store) == [("acme", 1, every - 2 - 8)]
    store.purge([two, three], ME)
    assert held(store) == [("acme", 0, 0)]


def test_an_update_and_an_import_keep_to_it_too(store, other):
    (id,) = add(store, "one")
    records = list(store.dump(None))
    store.set_quota(HOME, None, 6)
    with pytest.raises(QuotaExceeded):
        store.update(id, 1, new("four"), None, ME, "update")
    assert found(store) == ["one"]
    store.update(id, 1, new("two"), None, ME, "update")
    other.set_quota("acme", 0, None)
    with pytest.raises(QuotaExceeded):
        other.restore(records, None, ME)
    assert found(other) == []


def test_of_several_additions_those_that_fit_are_kept(store):
    store.set_quota(HOME, 2, None)
    given = [[new("one")], [new("two"), new("three")], [new("four")], [new("five")]]
    done = store.add_each([Addition(HOME, rows, None, ME) for rows in given])
    assert [isinstance(one, QuotaExceeded) for one in done] == [False, True, False, True]
    assert found(store) == ["one", "four"]


def test_writers_at_once_never_overrun_it(store):
    store.set_quota("acme", 5, None)

    def one(n):
        try:
            return add(store, "x", namespace=f"acme/{n % 3}")
        except QuotaExceeded:
            return None

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(one, range(12)))
    assert sum(result is not None for result in done) == 5
    assert held(store)[0][1] == 5


def test_rules(store):
    store.set_rule(Rule("acme", 60, False))
    store.set_rule(Rule("ben", 5, True))
    store.set_rule(Rule("acme", 30, True))
    assert store.rules() == [Rule("acme", 30, True), Rule("ben", 5, True)]
    assert store.remove_rule("acme") and not store.remove_rule("acme")
    assert not store.remove_rule("nobody")
    assert store.rules() == [Rule("ben", 5, True)]


def test_what_outlived_a_rule(store):
    ended, one = add(store, "ended", "one")
    (near,) = add(store, "near", namespace=f"{HOME}/notes")
    (beside,) = add(store, "beside", namespace="acme/ana-x")
    store.retire([ended], ME)
    retires, purges = Rule(HOME, 1, False), Rule(HOME, 1, True)
    assert store.outlived(retires, LATER) == [one, near]
    assert store.outlived(purges, LATER) == [ended, one, near]
    assert store.outlived(purges, 0) == []
    store.set_rule(Rule(f"{HOME}/notes", 1, False))
    assert store.outlived(retires, LATER) == [one]
    assert store.outlived(Rule("acme", 1, False), LATER) == [one, beside]
    assert store.outlived(Rule("nobody", 1, False), LATER) == []


def test_what_is_on_hold_is_neither_ended_nor_purged(store):
    one, two = add(store, "one", "two")
    (three,) = add(store, "three", namespace="ben")
    store.hold(one)
    store.hold("ben")
    store.hold(one)
    assert [hold.what for hold in store.holds()] == [one, "ben"]
    assert store.held([one, two, three, "nobody"]) == {one: one, three: "ben"}
    for end in (store.retire, store.purge):
        for wanted in ([one], [three], [two, one], [three, two]):
            with pytest.raises(OnHold):
                end(wanted, ME)
    assert (found(store), found(store, "ben")) == (["one", "two"], ["three"])
    assert store.release(one) and not store.release(one)
    assert store.release("ben") and not store.release("nobody")
    assert store.purge([one, three], ME)[0].ids


def test_a_source_of_what_is_on_hold_stays_with_it(store):
    (one,) = add(store, "one")
    (summary,) = store.add(HOME, [made_from("sum", (one, 1))], None, ME)
    store.hold(summary.id)
    for end in (store.retire, store.purge):
        with pytest.raises(OnHold):
            end([one], ME)
    assert found(store) == ["one", "sum"]


def test_sizes_count_entries_and_reads(store):
    before = store.size()
    (one, _) = add(store, "one", "two")
    add(store, "three", namespace="ben")
    store.count_reads({one: 3})
    after = store.size()
    assert after["journal"] - before["journal"] == 2
    assert (after["cubes"], after["reads"]) == (3, 3)


def test_budgets_are_kept_by_path_and_form_and_lifted_together(store, other):
    first = [Budget("acme", "kv", 2**40), Budget(HOME, "adapter", 5), Budget(HOME, "kv", 6)]
    store.set_budgets(first[::-1])
    assert store.budgets() == first
    store.set_budgets([Budget(HOME, "kv", 0)])
    assert store.budgets() == [*first[:2], Budget(HOME, "kv", 0)]
    assert store.remove_budgets(HOME) and not store.remove_budgets(HOME)
    assert not store.remove_budgets("nobody") and store.budgets() == first[:1]
    assert other.budgets() == []
