"""Big scopes: candidates agree with searching everything, whatever happens between searches."""

from __future__ import annotations

import random
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mnemon
from mnemon.cube import Draft, Policy
from mnemon.store import scope as scopes
from mnemon.store.index import asked as asking
from mnemon.store.index import holding, lists
from mnemon.store.index.columns import Columns
from mnemon.store.index.moments import InTime, by_time
from mnemon.store.neighbours import Chains, neighbours
from mnemon.text.programs.default import Default

Memory = partial(mnemon.Memory, program=Default(rerank=None))
START = datetime(2025, 1, 1, tzinfo=UTC)
WORDS = [
    "cat",
    "dog",
    "tram",
    "oslo",
    "lisbon",
    "bread",
    "river",
    "violin",
    "tent",
    "soup",
    "bicycle",
    "lamp",
]


@pytest.fixture
def low(monkeypatch):
    """Scopes of more than 20 versions are big, filters that leave 10 are few."""
    monkeypatch.setattr(scopes, "LIMIT", 20)
    monkeypatch.setattr(scopes, "FEW", 10)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.db"


def asked(memory, text, **chosen):
    return [
        (hit.cube.id, hit.cube.version, pytest.approx(hit.score, abs=1e-4))
        for hit in memory.search(text, k=5, **chosen)
    ]


@contextmanager
def everything(path):
    """A memory that searches everything, opened for one moment's questions."""
    with pytest.MonkeyPatch.context() as patch, Memory(path, read_only=True) as memory:
        patch.setattr(scopes, "LIMIT", 10**9)
        yield memory


def exactly(path, text, **chosen):
    """What it finds."""
    with everything(path) as memory:
        return asked(memory, text, **chosen)


def regime(memory):
    """How a search is done once what it started in the background is done."""
    memory.search("cat")
    memory._searcher.settle()
    return memory.recall("cat").trace["regime"]


def drafts(count, seed=0):
    draw = random.Random(seed)
    return [
        Draft(
            " ".join(draw.choices(WORDS, k=draw.randint(2, 6))) + draw.choice(".?"),
            speaker=draw.choice(["Ana", "Ben", None]),
            session=draw.choice(["s1", "s2", None]),
            kind=draw.choice(["episode", "fact"]),
            at=START + timedelta(minutes=draw.randint(0, 2000)),
            policy=Policy(readers=("bob",) if draw.random() < 0.1 else ()),
        )
        for _ in range(count)
    ]


FILTERS = (
    {}, {"speaker": "Ana"}, {"session": "s1"}, {"kind": "fact"}, {"speaker": "Nobody"},
    {"since": START + timedelta(minutes=1000)}, {"until": START + timedelta(minutes=90)},
)  # fmt: skip


def agree(memory, path, draw, **more):
    filters = (*FILTERS, *([more] if more else []))
    questions = [(" ".join(draw.sample(WORDS, 2)), chosen) for chosen in filters]
    with everything(path) as plain:
        expected = [asked(plain, text, **chosen) for text, chosen in questions]
    for (text, chosen), found in zip(questions, expected, strict=True):
        assert asked(memory, text, **chosen) == found, (text, chosen)


@pytest.mark.parametrize("seed", range(4))
def test_candidates_agree_with_everything_through_every_change(low, path, seed):
    draw = random.Random(seed)
    with Memory(path) as memory, Memory(path) as other:
        memory.add(drafts(60, seed))
        assert regime(memory) == "candidates"
        agree(memory, path, draw)
        moment = memory.list()[-1].recorded_at
        for step in range(6):
            writer = draw.choice([memory, other])
            cube = draw.choice(writer.list())
            if step % 3 == 0:
                writer.update(cube.id, " ".join(draw.choices(WORDS, k=4)))
            elif step % 3 == 1:
                writer.forget(cube.id)
            else:
                writer.add(drafts(draw.choice([1, 12]), seed * 10 + step))
            agree(memory, path, draw, as_of=moment)
        writer.forget(draw.choice(writer.list()).id, purge=True)
        agree(memory, path, draw, as_of=moment)
        assert memory.fsck() == []


def test_a_forgotten_or_purged_cube_is_never_found(low, path):
    with Memory(path) as memory:
        memory.add(drafts(50))
        one, two = memory.add("a quokka called Zyx"), memory.add("a second quokka")
        assert {hit.cube.id for hit in memory.search("quokka", k=2)} == {one.id, two.id}
        memory.forget(one.id)
        assert one.id not in {hit.cube.id for hit in memory.search("quokka", k=50)}
        memory.forget(two.id, purge=True)
        assert two.id not in {hit.cube.id for hit in memory.search("quokka", k=50)}


def test_a_scope_without_vectors_or_with_few_eligible_is_searched_too(low, path):
    with Memory(path) as memory:
        memory.add(drafts(60))
        assert asked(memory, "", speaker="Ana") == exactly(path, "", speaker="Ana")
        rare = memory.add("violin violin", session="only")
        assert asked(memory, "violin", session="only")[0][0] == rare.id


def test_what_was_said_on_the_asked_day_is_a_candidate_even_if_nothing_else_finds_it(
    low, path, monkeypatch
):
    monkeypatch.setattr(asking, "BY_MEANING", 4)
    timed = Default(channels=(("words", 1.0, {}), ("time", 1.0, {})), rerank=None)
    with mnemon.Memory(path, program=timed) as memory:
        memory.add(drafts(80))
        told = memory.add("nothing of the kind", at=START + timedelta(days=40))
        later = memory.add("nothing at all", at=START + timedelta(days=41))
        memory.search("cat")
        memory._searcher.settle()
        question = "What happened on 10 February 2025?"
        assert memory.recall(question).trace["regime"] == "candidates"
        found = [hit.cube.id for hit in memory.search(question, at=START + timedelta(days=60))]
        assert found[:2] == [told.id, later.id]
        memory.forget(told.id)
        again = memory.search(question, at=START + timedelta(days=60))
        assert again[0].cube.id == later.id


@given(st.data())
def test_by_time_gives_the_days_first_and_then_the_nearest(data):
    moments = np.array(data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=60)))
    eligible = np.array(data.draw(st.lists(st.booleans(), min_size=60, max_size=60)))[
        : len(moments)
    ]
    first = data.draw(st.integers(-5, 45))
    last = first + data.draw(st.integers(0, 10))
    found = by_time(InTime.of(moments), first, last, eligible).tolist()
    inside = (moments >= first) & (moments <= last) & eligible
    assert len(set(found)) == len(found) and eligible[found].all()
    assert sorted(found[: inside.sum()]) == np.flatnonzero(inside).tolist()
    assert sorted(found) == np.flatnonzero(eligible).tolist()  # they are fewer than are given


def index_files(path):
    folder = path.parent / "memory.db-index"
    return sorted(file for file in folder.rglob("*") if file.is_file()) if folder.exists() else []


def filled(path):
    """What is found in a store that then has its index: closing waits for it."""
    with Memory(path) as memory:
        memory.add(drafts(60))
        return asked(memory, "cat oslo")


def test_the_index_is_opened_again_and_caught_up(low, path, monkeypatch):
    before = filled(path)
    assert index_files(path)
    monkeypatch.setattr(lists.Lists, "build", None)  # nothing is built a second time
    with Memory(path) as memory:
        assert asked(memory, "cat oslo") == before
        memory.forget(before[0][0])
        new = memory.add("cat oslo cat oslo")
    with Memory(path) as memory:
        found = [id for id, *_ in asked(memory, "cat oslo")]
        assert new.id in found and before[0][0] not in found
        agree(memory, path, random.Random(0))


@pytest.mark.parametrize("harm", ["cut", "flip", "gone", "manifest", "folder"])
def test_a_damaged_or_missing_index_is_made_again(low, path, harm):
    before = filled(path)
    files = {file.name: file for file in index_files(path)}
    if harm == "cut":
        files["codes.npy"].write_bytes(files["codes.npy"].read_bytes()[:-1])
    elif harm == "flip":
        whole = bytearray(files["ids.npy"].read_bytes())
        whole[-2] ^= 255
        files["ids.npy"].write_bytes(whole)
    elif harm == "gone":
        files["row.npy"].unlink()
    elif harm == "manifest":
        files["manifest.json"].write_text("{")
    else:
        shutil.rmtree(path.parent / "memory.db-index")
    with Memory(path) as memory:
        assert asked(memory, "cat oslo") == before
    assert {file.name for file in index_files(path)} == set(files)


def test_an_index_of_another_store_is_not_opened(low, path, tmp_path):
    filled(path)
    twin = tmp_path / "twin"
    twin.mkdir()
    with Memory(twin / "memory.db") as memory:
        memory.add(drafts(60, 9))
        shutil.copytree(path.parent / "memory.db-index", twin / "memory.db-index")
        assert asked(memory, "cat oslo") == exactly(twin / "memory.db", "cat oslo")


def test_a_purge_leaves_no_index_file_and_none_is_written_by_one_that_saw_more(low, path):
    filled(path)
    with Memory(path) as memory, Memory(path) as late:
        assert regime(late) == "candidates"
        scope = late._searcher._scopes[late.namespace]
        save = scope._upkeep.saving(scope._upkeep._nearest)
        memory.forget(memory.list()[0].id, purge=True)
        assert index_files(path) == []
        save()
        assert index_files(path) == []
        agree(late, path, random.Random(1))


def test_a_reader_makes_no_index_files(low, path):
    before = filled(path)
    shutil.rmtree(path.parent / "memory.db-index")
    with Memory(path, read_only=True) as memory:
        assert asked(memory, "cat oslo") == before
    assert index_files(path) == []


@settings(deadline=None, database=None)
@given(st.data())
def test_chains_say_the_same_as_neighbours(data):
    turn = st.tuples(
        st.integers(0, 1), st.sampled_from([-1, -1, 0, 1]), st.sampled_from([-1, 0]),
        st.integers(0, 8),
    )  # fmt: skip
    table = {name: np.zeros(0, np.int64) for name in ("namespace", "session", "speaker",
             "valid_from")}  # fmt: skip
    alive, chains = np.zeros(0, dtype=bool), Chains()
    for _ in range(data.draw(st.integers(1, 6))):
        fresh = data.draw(st.lists(turn, max_size=12))
        made = np.array(fresh, np.int64).reshape(-1, 4) * [1, 1, 1, 9 * 60 * 10**6]
        table = {n: np.append(table[n], made[:, i]) for i, n in enumerate(table_order())}
        current = st.lists(st.booleans(), min_size=len(fresh), max_size=len(fresh))
        alive = np.append(alive, np.array(data.draw(current), dtype=bool))
        chains.extend(table, alive)
        living = np.flatnonzero(alive).tolist()
        for index in data.draw(st.lists(st.sampled_from(living), unique=True)) if living else ():
            alive[index] = False
            chains.end(table, index)
        for mine, plain in zip(chains.whole(), neighbours(table, alive), strict=True):
            assert mine.tolist() == plain.tolist()


def table_order():
    return ("namespace", "session", "speaker", "valid_from")


def test_only_the_rarest_terms_are_read_in_full(monkeypatch):
    monkeypatch.setattr(holding, "BUDGET", 10)
    lists_of = {"rare": 4, "some": 6, "most": 50}
    postings = {t: (np.arange(n, dtype=np.int32), np.ones(n, np.float32)) for t, n in
                lists_of.items()}  # fmt: skip
    assert holding._split(postings, ()) == (["rare", "some"], ["most"])
    assert holding._split({"most": postings["most"]}, ()) == (["most"], [])
    assert holding._split(postings, {"rare"}) == (["some"], ["most"])


def test_columns_survive_being_saved():
    from mnemon.store.rows import Headers

    columns = Columns()
    row = (7, 1, 3, "fact", "Ana", None, 10, None, 11, None, 4, 1, '["bob"]')
    columns.extend(Headers([row]))
    arrays, names = columns.dump()
    again = Columns.load(arrays, names)
    assert again.last == 7 and again.restricted
    assert again.may_read("bob").tolist() == [True] and again.may_read("eve").tolist() == [False]
    assert again.names.text(int(again["speaker"][0])) == "Ana"


def test_no_byte_of_a_purged_cube_is_left_in_an_index_file(low, path):
    mark = "Zyxquaggoth"

    def holding():
        files = [file for file in path.parent.rglob("*") if file.is_file()]
        return [file.name for file in files if mark.encode() in file.read_bytes()]

    with Memory(path) as memory:
        memory.add(drafts(60))
        cube = memory.add(f"{mark} was here", speaker=mark, session=f"s-{mark}")
        assert regime(memory) == "candidates"
        assert "manifest.json" in holding()
        memory.forget(cube.id, purge=True)
        assert holding() == []
        assert regime(memory) == "candidates"
        assert index_files(path) and holding() == []
