"""The namespace that a server was given cannot be left, whatever a model says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory
from mnemon import namespace as paths
from mnemon.errors import InvalidNamespace
from mnemon.server.mcp.own import Own

PIECES = st.sampled_from(["..", ".", "", "*", "acme", "ana", "bob", "%", "~", "\u0338", "/", " "])
NAMES = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=6).map("/".join))


@given(NAMES, NAMES)
def test_a_name_leads_below_or_nowhere(scope, below):
    try:
        desk = Own(":memory:", scope).desk
        found = desk.within(below)
    except InvalidNamespace:
        return
    assert paths.contains(desk.scope, found) and found != desk.scope
    assert desk.within(desk.below(found)) == found


@pytest.fixture
def others(tmp_path):
    """Memories beside and above the desk's acme/ana, in the same store."""
    with Memory(tmp_path / "memory.db") as memory:
        return [
            memory.add("The vault's code is 1234.", namespace=name)
            for name in ("acme", "acme/ann", "acme/ana2", "acme/bob", "default", "acme/an")
        ]


@given(name=st.one_of(st.none(), NAMES))
def test_nothing_beside_or_above_is_found(scoped, name):
    for tool in ("search_memory", "recall"):
        assert "1234" not in str(scoped(tool, query="vault code 1234", namespace=name))


@pytest.fixture(scope="module")
def scoped(tmp_path_factory):
    from mnemon.server.mcp.serving import call

    store = tmp_path_factory.mktemp("scoped") / "memory.db"
    with Memory(store) as memory:
        for name in ("acme", "acme/ann", "acme/ana2", "acme/bob", "default"):
            memory.add("The vault's code is 1234.", namespace=name)
    own = Own(str(store), "acme/ana")
    yield lambda tool, **arguments: call(own.desk, tool, arguments)
    own.close()


def test_ids_from_elsewhere_are_unknown(use, others):
    for cube in others:
        for id in (cube.id, cube.id[-8:]):
            assert use("update_memory", id=id, version=1, content="mine").is_error
            gone = use("forget_memory", ids=[id], purge=True)
            assert gone.is_error or gone.structured_content["memories"] == 0
    assert use("memory_status").structured_content == {"memories": 0, "parts": []}


def test_those_beside_keep_everything(use, others, own, tmp_path):
    use("forget_memory", ids=[cube.id for cube in others], purge=True)
    own.close()
    with Memory(tmp_path / "memory.db") as memory:
        assert all(memory.get(cube.id, namespace=cube.namespace) == cube for cube in others)


def test_parts_below_are_part_of_it(use):
    use("add_memory", content="The site opens in May.", namespace="work/site")
    (hit,) = use("search_memory", query="site opens").structured_content["memories"]
    assert hit["namespace"] == "work/site"
    assert not use("search_memory", query="site", namespace="home").structured_content["memories"]
    status = use("memory_status").structured_content
    assert status["parts"] == [{"namespace": "work/site", "memories": 1}]
    assert not use("update_memory", id=hit["id"], version=1, content="In June.").is_error
