"""What is Mnemon's own about the store: paths, cubes, versions, expiry."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.store.base import BaseStore, PutOp
from typing_extensions import TypedDict

from mnemon import Memory, Policy
from mnemon.errors import InvalidInput, InvalidNamespace
from mnemon.integrations.langgraph import MnemonStore, filters, labels
from mnemon.integrations.recalling import recalled

ODD = st.text(
    st.one_of(st.characters(), st.sampled_from("/=*%. \t\n\"'`<>|;?[]\\é가ﷺ̸́Kﬁ")), min_size=1
)


@given(st.lists(ODD, max_size=4).map(tuple))
def test_namespaces_and_paths_are_one_to_one(namespace: tuple[str, ...]) -> None:
    try:
        path = labels.path("root", namespace)
    except InvalidNamespace as error:
        assert "bytes" in str(error)
        return
    assert labels.labels("root", path) == namespace
    assert path.count("/") == len(namespace)


@given(st.text(), st.text())
def test_quoting_keeps_texts_apart(one: str, other: str) -> None:
    assert labels.unquoted(labels.quoted(one)) == one
    assert (labels.quoted(one) == labels.quoted(other)) == (one == other)
    assert not set(" /") & set(labels.quoted(one)) and labels.quoted(one) not in ("", ".", "..")


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_any_json_comes_back_exactly(memory: Memory) -> None:
    store = MnemonStore(memory)

    @settings(max_examples=12)
    @given(
        st.dictionaries(st.text(), JSON, max_size=4), ODD.map(lambda text: text.replace(".", ""))
    )
    def held(value: dict[str, Any], label: str) -> None:
        namespace = ("json", (label.replace("\x00", "") or "x")[:40])
        store.put(namespace, "k", value)
        assert store.get(namespace, "k").value == value
        assert repr(store.search(namespace)[0].value) == repr(value)
        assert namespace in store.list_namespaces(limit=10_000)

    held()


def test_an_item_is_a_cube_that_the_memory_finds(local: Memory) -> None:
    store = MnemonStore(local)
    store.put(("users", "a/b"), "fav", {"favourite_food": "lasagna", "rank": 1})
    (hit,) = local.search("which food is the favourite?", k=1)
    assert hit.cube.content == "favourite food: lasagna\nrank: 1"
    assert hit.cube.namespace == f"{local.namespace}/langgraph/users/a=2Fb"
    assert hit.cube.kind == "item"


def test_puts_are_versions_and_a_deleted_item_can_be_brought_back(memory: Memory) -> None:
    store = MnemonStore(memory)
    for city in ("Lisbon", "Porto"):
        store.put(("u",), "home", {"city": city})
    (cube,) = memory.list()
    assert [old.content for old in memory.history(cube.id)] == ["Lisbon", "Porto"]
    store.delete(("u",), "home")
    assert memory.list() == [] and store.list_namespaces() == []
    memory.restore(cube.id, 1)
    assert store.get(("u",), "home").value == {"city": "Lisbon"}
    store.put(("u",), "home", {"city": "Faro"})
    assert store.get(("u",), "home").value == {"city": "Faro"} and len(memory.list()) == 1


def test_created_stays_and_begins_anew_after_a_delete(memory: Memory) -> None:
    store = MnemonStore(memory)
    store.put(("u",), "k", {"n": 1})
    first = store.get(("u",), "k")
    store.put(("u",), "k", {"n": 2})
    second = store.get(("u",), "k")
    assert second.created_at == first.created_at
    store.delete(("u",), "k")
    store.put(("u",), "k", {"n": 3})
    assert store.get(("u",), "k").created_at > second.updated_at
    assert store.search(("u",))[0].created_at == store.get(("u",), "k").created_at


def test_what_is_not_indexed_is_found_by_no_query(memory: Memory) -> None:
    store = MnemonStore(memory)
    store.put(("u",), "secret", {"text": "the safe is behind the violin"}, index=False)
    store.put(("u",), "nothing", {"a": None, "b": "\x00"})
    assert store.search(("u",), query="where is the safe?") == []
    assert recalled(memory, "where is the safe?", 500) == ""
    assert all("violin" not in hit.cube.content for hit in memory.search("the safe, the violin"))
    assert store.get(("u",), "secret").value == {"text": "the safe is behind the violin"}
    store.put(("u",), "secret", {"text": "the safe is behind the violin"})
    assert store.search(("u",), query="where is the safe?")[0].key == "secret"


def test_fields_of_the_store_are_the_default(local: Memory) -> None:
    store = MnemonStore(local, fields=["about"])
    store.put(("u",), "1", {"about": "roses", "more": "violin"})
    assert local.list()[0].content == "roses"


def test_scores_are_comparable_and_can_be_asked_for(memory: Memory) -> None:
    MnemonStore(memory).put(("u",), "1", {"text": "Ana adopted a grey cat called Miso."})
    strict = MnemonStore(memory, min_score=0.3)
    assert strict.search(("u",), query="What is Ana's cat called?")[0].score >= 0.3
    assert strict.search(("u",), query="interest rates of the central bank") == []


def test_the_time_to_live(memory: Memory) -> None:
    store = MnemonStore(memory, ttl={"default_ttl": 60})
    assert store.supports_ttl
    store.put(("u",), "brief", {"n": 1}, ttl=1e-6)
    store.put(("u",), "hour", {"n": 2})
    store.put(("u",), "ever", {"n": 3}, ttl=None)
    time.sleep(0.001)
    assert store.get(("u",), "brief") is None
    assert [item.key for item in store.search(("u",))] == ["hour", "ever"]
    assert [item.key for item in store.search(("u",), limit=1, offset=1)] == ["ever"]
    assert {i.key for i in store.search(("u",), query="n")} == {"hour", "ever"}
    kept = {cube.session: cube.policy.retain_until for cube in memory.list()}
    assert kept["u ever"] is None and kept["u hour"] is not None
    assert store.sweep_ttl() == 1 and store.sweep_ttl() == 0
    assert len(memory.list()) == 2


def test_a_put_over_an_expired_item_makes_it_new(memory: Memory) -> None:
    store = MnemonStore(memory)
    store.put(("u",), "k", {"n": 1}, ttl=1e-6)
    before = memory.list()[0].valid_from
    time.sleep(0.001)
    store.put(("u",), "k", {"n": 2})
    item = store.get(("u",), "k")
    assert item.value == {"n": 2} and item.created_at > before


def test_reading_prolongs_but_does_not_write_each_time(memory: Memory) -> None:
    store = MnemonStore(memory)
    store.put(("u",), "k", {"n": 1}, ttl=10)
    (cube,) = memory.list()
    for _ in range(3):
        put = store.get(("u",), "k")
    assert memory.get(cube.id).version == 1
    soon = Policy(retain_until=cube.policy.retain_until - timedelta(minutes=9))
    memory.update(cube.id, policy=soon, metadata=cube.metadata)
    put = store.get(("u",), "k")
    assert store.get(("u",), "k", refresh_ttl=False) == put and memory.get(cube.id).version == 2 + 1
    assert memory.get(cube.id).policy.retain_until >= cube.policy.retain_until
    assert store.get(("u",), "k").updated_at == put.updated_at


def test_who_may_only_read_reads(local: Memory, kept: Path) -> None:
    MnemonStore(local).put(("u",), "k", {"n": 1}, ttl=10)
    (cube,) = local.list()
    soon = Policy(retain_until=cube.policy.retain_until - timedelta(minutes=9))
    local.update(cube.id, policy=soon)
    with Memory(kept, namespace=local.namespace, read_only=True) as reading:
        assert MnemonStore(reading).get(("u",), "k").value == {"n": 1}
    assert local.get(cube.id).version == 2


def test_values_that_are_no_json_are_refused_and_nothing_is_written(memory: Memory) -> None:
    store = MnemonStore(memory)
    with pytest.raises(InvalidInput, match=r"'bad' in \('u',\) cannot be written as JSON"):
        store.batch([PutOp(("u",), "good", {"n": 1}), PutOp(("u",), "bad", {"n": object()})])
    assert memory.list() == []


def test_a_path_too_long_says_so(memory: Memory) -> None:
    with pytest.raises(InvalidNamespace, match="512 bytes"):
        MnemonStore(memory).put(("x" * 600,), "k", {"n": 1})


def test_a_very_long_value_is_kept_whole(local: Memory) -> None:
    store = MnemonStore(local)
    value = {"text": "violin " * 200_000}
    store.put(("u",), "long", value)
    assert store.get(("u",), "long").value == value


@pytest.mark.parametrize(
    ("have", "operator", "operand", "holds"),
    [
        (None, "$gt", 1, False),
        ("2025-03-01", "$lt", "2025-04-01", True),
        ("10", "$gt", 9, True),
        ([1], "$gt", 0, False),
        ("a", "$gt", 1, False),
        (float("inf"), "$gt", 10**400, False),
    ],
)
def test_what_has_no_order_is_neither_more_nor_less(
    have: Any, operator: str, operand: Any, holds: bool
) -> None:
    assert filters.matches({"x": have}, {"x": {operator: operand}}) is holds


def test_many_writers_of_one_item_leave_one_item(memory: Memory) -> None:
    stores = [MnemonStore(memory) for _ in range(4)]  # a lock of its own each, as processes have
    gate = threading.Barrier(4)

    def put(number: int) -> None:
        gate.wait()
        stores[number].put(("u",), "k", {"n": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))
    (cube,) = memory.list()
    assert memory.history(cube.id)[-1].version == 4
    assert stores[0].get(("u",), "k").value["n"] in range(4)


def test_the_event_loop_goes_on_while_a_store_works(local: Memory) -> None:
    store, entered, leave = MnemonStore(local), threading.Event(), threading.Event()
    known = local.list

    def slow(**asked: Any) -> Any:
        entered.set()
        assert leave.wait(10)
        return known(**asked)

    local.list = slow  # type: ignore[method-assign]

    async def both() -> None:
        getting = asyncio.create_task(store.aget(("u",), "k"))
        while not entered.is_set():
            await asyncio.sleep(0.001)
        leave.set()  # only reached if the loop was not held up
        assert await getting is None

    asyncio.run(both())


class State(TypedDict):
    said: str
    heard: str


def test_a_graph_remembers_across_threads_and_restarts(memory: Memory) -> None:
    from langgraph.graph import START, StateGraph  # takes a second: only who runs this imports it

    def node(state: State, *, store: BaseStore) -> dict[str, str]:
        found = store.search(("users", "ana"), query=state["said"], limit=1)
        store.put(("users", "ana"), state["said"], {"text": state["said"]})
        return {"heard": found[0].value["text"] if found else ""}

    def graph(store: BaseStore) -> Any:
        builder = StateGraph(State)
        builder.add_node("node", node)
        builder.add_edge(START, "node")
        return builder.compile(store=store)

    assert graph(MnemonStore(memory)).invoke({"said": "I adopted a cat."})["heard"] == ""
    again = graph(MnemonStore(memory))
    assert again.invoke({"said": "Which pet do I have?"})["heard"] == "I adopted a cat."
