"""Whatever is done to both stores in turn, they hold the same."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemon import analysis
from mnemon.cube import Link, Span
from mnemon.errors import MnemonError
from mnemon.store import open_store
from mnemon.store.postgres import numbers
from mnemon.store.rows import NewCube

ME = "user"
PATHS = ("ana", "ana/x", "ben/y")
WHICH = st.integers(0, 5)
BEGIN = [("add", "ana", text, 0, text == "c") for text in "abc"] + [("link", 0, 1)]
STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(PATHS), st.sampled_from("abc"), WHICH, st.booleans()),
    st.tuples(st.sampled_from(("update", "retire", "purge", "judge")), WHICH),
    st.tuples(st.sampled_from(("link", "unlink")), WHICH, WHICH),
)


def one(store, step, ids):
    """Carry out a step; what it answered, or the name of its error."""
    verb, *told = step
    pick = [ids[at % len(ids)] for at in told if type(at) is int and ids]
    try:
        if verb == "add":
            path, text, _, derived = told
            sources = tuple(Span(id, 1) for id in pick if derived)
            cube = NewCube(
                id=f"cube-{len(ids)}", content=text, terms=analysis.terms(text), kind="episode",
                valid_from=1, key=text, speaker=text, spans=sources,
                producer="method:x@1" if sources else "user",
            )  # fmt: skip
            return [(added.id, added.new) for added in store.add(path, [cube], None, ME)]
        if not pick:
            return None
        if verb == "update":
            cube = NewCube("", "d e", "fact", 2, ["d", "e"])
            return store.update(pick[0], 1, cube, None, ME, "update")
        if verb in ("link", "unlink"):
            return getattr(store, verb)("ana", Link(pick[0], "about", pick[1]), ME)
        if verb == "judge":
            return store.judge("ana", pick[0], True)
        return getattr(store, verb)(pick, ME)[0]
    except MnemonError as error:
        return type(error).__name__


def held(store):
    """All that a store holds, without the moments at which it was written."""
    records = []
    for record in store.dump(None):
        for told in (*record.get("versions", ()), record.get("link", {}), record):
            for moment in ("recorded_at", "purged_at"):
                told.pop(moment, None)
            if "retired_at" in told:
                told["retired_at"] = told["retired_at"] is not None
            told["spans"] = [list(span) for span in told.get("spans") or ()]
        records.append(record)
    events = [(e.verb, e.cube, e.version) for p in PATHS for e in store.journal(p, None, 0, 999)]
    return sorted(records, key=str), events, store.namespaces(None)


def ranked(store, scope):
    """What ranking reads, but for the numbers of rows and namespaces."""
    _, nums, headers = store.headers(scope, 0)
    rows = {row[0]: place for place, row in enumerate(headers.columns)}
    postings = [sorted(rows[row] for row in found) for found in store.postings(nums, list("abcde"))]
    edges = [(rows[a], rows[b], weight, type) for a, b, weight, type in store.edges(list(rows))
             if a in rows and b in rows]  # fmt: skip
    chosen = [(row[3:7], row[9] is None, *row[10:]) for row in headers.columns]
    return chosen, postings, edges, store.usage(list(rows))


def within_tenants(steps):
    """Without derivations from another tenant's cubes, which are followed in a file only."""
    owners, kept = [], []
    for step in steps:
        if step[0] == "add":
            source = owners[step[3] % len(owners)] if owners else None
            mine = numbers.tenant_name(step[1])
            owners.append(mine)
            kept.append((*step[:4], step[4] and source == mine))
        else:
            kept.append(step)
    return kept


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=4, max_size=12).map(BEGIN.__add__).map(within_tenants))
def test_any_sequence_leaves_the_same_in_either_store(postgresql, steps):
    embedded, shared = open_store(":memory:"), open_store(postgresql.empty("one"))
    try:
        ids = []
        for step in steps:
            mine, theirs = (one(store, step, ids) for store in (embedded, shared))
            assert mine == theirs
            if step[0] == "add":
                ids.append(f"cube-{len(ids)}")
        assert held(shared) == held(embedded)
        for path in PATHS:
            assert ranked(shared, path) == ranked(embedded, path)
        assert shared.fsck(repair=False) == embedded.fsck(repair=False) == []
    finally:
        embedded.close()
        shared.close()
