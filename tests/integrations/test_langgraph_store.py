"""One suite over LangGraph's own `InMemoryStore` and ours, on a file and behind a server.

What it asks is what LangGraph's tests ask of its stores (libs/checkpoint, checkpoint-sqlite,
checkpoint-postgres).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from langgraph.store.base import (
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from mnemon import Memory
from mnemon.integrations.langgraph import MnemonStore
from mnemon.models.embed.static import StaticEmbedder

DOCS = ("test", "docs")
TREES = (
    ("a", "b", "c"), ("a", "b", "d", "e"), ("a", "b", "d", "i"), ("a", "b", "f"), ("a", "c", "f"),
    ("b", "a", "f"), ("users", "123"), ("users", "456", "settings"), ("admin", "users", "789"),
)  # fmt: skip


def reference() -> InMemoryStore:
    """LangGraph's own store, with the same vectors as ours."""
    embedder = StaticEmbedder()
    return InMemoryStore(
        index={
            "dims": embedder.dimension,
            "embed": lambda texts: embedder.embed([whole(text) for text in texts]).tolist(),
        }
    )


def whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.fixture(params=["InMemoryStore", "file", "server"])
def store(request: pytest.FixtureRequest, opened: Callable[[str], Memory]) -> BaseStore:
    if request.param == "InMemoryStore":
        return reference()
    return MnemonStore(opened(request.param))


def test_put_get_update_delete(store: BaseStore) -> None:
    assert store.get(DOCS, "1") is None
    store.put(DOCS, "1", {"title": "First", "n": 1})
    first = store.get(DOCS, "1")
    assert (first.namespace, first.key, first.value) == (DOCS, "1", {"title": "First", "n": 1})
    assert first.created_at.tzinfo is not None and first.updated_at >= first.created_at

    store.put(DOCS, "1", {"title": "Second"})
    second = store.get(DOCS, "1")
    assert second.value == {"title": "Second"}
    assert second.updated_at > first.updated_at
    assert store.get(("test", "other"), "1") is None

    store.delete(DOCS, "1")
    assert store.get(DOCS, "1") is None and store.search(("test",)) == []
    store.delete(DOCS, "1")
    store.put(DOCS, "1", {"title": "Third"})
    assert store.get(DOCS, "1").value == {"title": "Third"}
    assert [item.value for item in store.search(DOCS)] == [{"title": "Third"}]


def test_values_come_back_as_they_were(store: BaseStore) -> None:
    value = {
        "text": 'Ünïcode \u2028 "quoted" \x00 \ud800', "big": 2**70, "float": -0.0, "small": 1e-300,
        "none": None, "yes": True, "nested": {"list": [1, [2.0, {"": "empty"}]]}, "empty": {},
    }  # fmt: skip
    store.put(("v",), "odd", value)
    got = store.get(("v",), "odd").value
    assert got == value and str(got["float"]) == "-0.0" and list(got) == list(value)
    store.put(("v",), "empty", {})
    assert store.get(("v",), "empty").value == {}
    got["text"] = "changed by the caller"
    assert store.search(("v",), filter={"big": 2**70})[0].value.keys() == value.keys()


def test_keys_may_be_any_text(store: BaseStore) -> None:
    keys = ["", " ", "a/b", "a.b", "..", "*", "=41", "ключ", "\x00", "x" * 999]
    for key in keys:
        store.put(("keys",), key, {"is": key})
        assert store.get(("keys",), key).value == {"is": key}
    assert [item.key for item in store.search(("keys",), limit=20)] == keys


def test_the_same_key_in_a_namespace_below_is_another_item(store: BaseStore) -> None:
    store.put(("a", "b"), "k", {"in": "below"})
    assert store.get(("a",), "k") is None
    store.put(("a",), "k", {"in": "above"})
    assert store.get(("a", "b"), "k").value == {"in": "below"}
    store.delete(("a",), "k")
    assert store.get(("a", "b"), "k").value == {"in": "below"}


def test_batches_answer_in_order(store: BaseStore) -> None:
    store.put(("test", "foo"), "key1", {"data": "value1"})
    store.put(("test", "bar"), "key2", {"data": "value2"})
    got, put, searched, listed, missing = store.batch(
        [
            GetOp(("test", "foo"), "key1"),
            PutOp(("test", "bar"), "key2", {"data": "new"}),
            SearchOp(("test",), {"data": "value1"}, 10, 0),
            ListNamespacesOp(None, None, 10, 0),
            GetOp(("test",), "key3"),
        ]
    )
    assert got.value == {"data": "value1"} and put is None and missing is None
    assert [item.key for item in searched] == ["key1"]
    assert set(listed) >= {("test", "foo"), ("test", "bar")}
    assert store.get(("test", "bar"), "key2").value == {"data": "new"}


def test_a_batch_reads_before_it_writes_and_its_last_put_counts(store: BaseStore) -> None:
    before, *_ = store.batch(
        [
            SearchOp(("b",)),
            PutOp(("b",), "x", {"n": 1}),
            PutOp(("b",), "gone", {"n": 1}),
            PutOp(("b",), "x", {"n": 2}),
            PutOp(("b",), "gone", None),
        ]
    )
    assert before == []
    assert [(item.key, item.value) for item in store.search(("b",))] == [("x", {"n": 2})]


def test_search_by_namespace_filter_and_page(store: BaseStore) -> None:
    store.put(DOCS, "doc1", {"title": "First", "author": "Alice", "tags": ["important"]})
    store.put(DOCS, "doc2", {"title": "Second", "author": "Bob", "tags": ["draft", "x"]})
    store.put(("test", "images"), "img1", {"title": "Image", "author": "Alice", "tags": ["final"]})
    store.put(("tests",), "no", {"title": "beside"})

    assert {item.key for item in store.search(("test",))} == {"doc1", "doc2", "img1"}
    assert [item.key for item in store.search(DOCS)] == ["doc1", "doc2"]
    assert {i.key for i in store.search(("test",), filter={"author": "Alice"})} == {"doc1", "img1"}
    assert [i.key for i in store.search(("test",), filter={"tags": ["draft", "x"]})] == ["doc2"]
    assert store.search(("test",), filter={"tags": ["draft"]}) == []
    assert len(store.search(("test",), limit=2)) == 2
    pages = [store.search((), limit=1, offset=n)[0].key for n in range(4)]
    assert sorted(pages) == ["doc1", "doc2", "img1", "no"]
    assert store.search(("test",), offset=3) == [] == store.search(("nothing",))


FILTERS: list[tuple[dict[str, Any], str]] = [
    ({"score": {"$gt": 3}}, "cd"),
    ({"score": {"$gte": 3.0}}, "bcd"),
    ({"score": {"$lt": 3}}, "a"),
    ({"score": {"$gt": 1.5, "$lte": 4}}, "bc"),
    ({"color": {"$eq": "red"}}, "ab"),
    ({"color": {"$ne": "red"}}, "cd"),
    ({"score": {"$gte": 3.0}, "color": "red"}, "b"),
    ({"missing": {"$ne": 1}}, "abcd"),
    ({"missing": None}, "abcd"),
    ({"meta": {"lang": "en"}}, "ac"),
    ({"meta": {"lang": "en", "n": {"$gt": 1}}}, "c"),
    ({"flag": True}, "a"),
]


def test_filter_operators(store: BaseStore) -> None:
    english = {"lang": "en", "n": 1}
    store.put(("f",), "a", {"score": 1.5, "color": "red", "meta": english, "flag": True})
    store.put(("f",), "b", {"score": 3, "color": "red", "meta": {"lang": "de", "n": 1}})
    store.put(("f",), "c", {"score": 4.0, "color": "blue", "meta": {**english, "n": 2}})
    store.put(("f",), "d", {"score": 11, "color": "green", "meta": {"lang": "fr", "n": 3}})
    for wanted, keys in FILTERS:
        assert {i.key for i in store.search(("f",), filter=wanted)} == set(keys), wanted


def test_an_operator_that_there_is_not_is_refused(store: BaseStore) -> None:
    store.put(("f",), "a", {"n": 1})
    with pytest.raises(ValueError, match=r"\$near"):
        store.search(("f",), filter={"n": {"$near": 1}})


def test_filters_look_at_everything_before_the_page_is_cut(store: BaseStore) -> None:
    store.batch([PutOp(("many",), str(n), {"n": n, "odd": n % 2}) for n in range(40)])
    odd = store.search(("many",), filter={"odd": 1}, limit=100)
    assert sorted(item.value["n"] for item in odd) == list(range(1, 40, 2))
    tail = store.search(("many",), filter={"odd": 1}, limit=10, offset=15)
    assert len(tail) == 5
    asked = store.search(("many",), query="n 7", filter={"odd": 1}, limit=15)
    assert len(asked) == 15 and all(item.value["odd"] for item in asked)


LISTINGS: list[tuple[dict[str, Any], list[int]]] = [
    ({"prefix": ("a", "b")}, [0, 1, 2, 3]),
    ({"suffix": ("f",)}, [3, 4, 5]),
    ({"prefix": ("a",), "suffix": ("f",)}, [3, 4]),
    ({"prefix": ("a", "b"), "limit": 2}, [0, 1]),
    ({"prefix": ("a", "b"), "offset": 2}, [2, 3]),
    ({"prefix": ("a", "*", "f")}, [3, 4]),
    ({"suffix": ("*", "f")}, [3, 4, 5]),
    ({"prefix": ("users", "*")}, [6, 7]),
    ({"prefix": ("nothing",)}, []),
    ({"prefix": ("users", "123", "more")}, []),
    ({}, [0, 1, 2, 3, 4, 8, 5, 6, 7]),
]


def test_list_namespaces(store: BaseStore) -> None:
    store.batch([PutOp(one, "k", {"n": n}) for n, one in enumerate(TREES)])
    for asked, expected in LISTINGS:
        assert store.list_namespaces(**asked) == [TREES[n] for n in expected], asked


def test_list_namespaces_to_a_depth(store: BaseStore) -> None:
    store.batch([PutOp(one, "k", {"n": n}) for n, one in enumerate(TREES)])
    found = store.list_namespaces(prefix=("a", "b"), max_depth=3)
    assert found == [("a", "b", "c"), ("a", "b", "d"), ("a", "b", "f")]
    assert store.list_namespaces(max_depth=1) == [("a",), ("admin",), ("b",), ("users",)]
    with pytest.raises(ValueError, match="match"):
        store.batch([ListNamespacesOp((MatchCondition("middle", ("a",)),))])


def test_namespaces_that_langgraph_refuses(store: BaseStore) -> None:
    for wrong in [(), ("the", "thing.about"), ("some", ""), ("langgraph", "foo"), ("a", 1)]:
        with pytest.raises(InvalidNamespaceError):
            store.put(wrong, "k", {"a": 1})
        with pytest.raises(InvalidNamespaceError):
            asyncio.run(store.aput(wrong, "k", {"a": 1}))
    store.put(("foo", "langgraph", "foo"), "bar", {"a": 1})
    assert store.search(("foo", "langgraph"))[0].value == {"a": 1}


def test_a_query_finds_by_meaning(store: BaseStore) -> None:
    store.put(("users", "ana"), "home", {"text": "Ana moved to Lisbon in March."})
    store.put(("users", "ana"), "pet", {"text": "She adopted a grey cat called Miso."})
    store.put(("users", "bob"), "food", {"text": "Bob cooks pasta on Sundays."})
    found = store.search(("users",), query="What is the name of the kitten?")
    assert found[0].key == "pet"
    assert all(a.score >= b.score for a, b in itertools.pairwise(found))
    assert {item.namespace for item in store.search(("users", "bob"), query="cat")} <= {
        ("users", "bob")
    }
    store.put(("users", "ana"), "pet", {"text": "She plays the violin."})
    assert store.search(("users",), query="violin music", limit=1)[0].key == "pet"


def test_only_the_named_fields_are_searched(store: BaseStore) -> None:
    store.put(("i",), "1", {"name": "submarine", "about": "gardening with roses"}, index=["about"])
    store.put(("i",), "2", {"name": "roses", "about": "a submarine voyage"}, index=["about"])
    store.put(("i",), "3", {"about": "submarine"}, index=False)
    scored = [i for i in store.search(("i",), query="submarine") if i.score is not None]
    assert scored[0].key == "2" and "3" not in [item.key for item in scored]
    assert {item.key for item in store.search(("i",))} == {"1", "2", "3"}


def test_fields_inside_lists(store: BaseStore) -> None:
    value = {"notes": [{"text": "Miso is a cat"}, {"text": "Ana lives in Lisbon"}], "x": "violin"}
    store.put(("p",), "1", value, index=["notes[*].text"])
    store.put(("p",), "2", {"notes": [{"text": "bread and butter"}]}, index=["notes[*].text"])
    assert store.search(("p",), query="cat", limit=1)[0].value == value


def test_async_calls_are_the_same(store: BaseStore) -> None:
    async def both() -> None:
        await asyncio.gather(*(store.aput(("c",), str(n), {"n": n}) for n in range(12)))
        assert len(await store.asearch(("c",), limit=50)) == 12
        assert (await store.aget(("c",), "3")).value == {"n": 3}
        await store.adelete(("c",), "3")
        assert await store.aget(("c",), "3") is None
        assert await store.alist_namespaces() == [("c",)]
        got, found = await store.abatch([GetOp(("c",), "4"), SearchOp(("c",), {"n": 5})])
        assert got.value == {"n": 4} and found[0].key == "5"

    asyncio.run(both())
