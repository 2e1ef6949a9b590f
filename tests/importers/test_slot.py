"""One table over all importers: what every one of them promises."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemon import methods
from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import History, Malformed
from mnemon.importers._detect import detect

DATA = Path(__file__).parent / "data"

# name, fixture, drafts in it
TABLE = [
    ("chatgpt", DATA / "chatgpt" / "conversations.json", 7),
    ("claude", DATA / "claude" / "conversations.json", 5),
    ("jsonl", DATA / "jsonl" / "chat.jsonl", 8),
    ("locomo", DATA / "locomo" / "locomo.json", 4),
    ("markdown", DATA / "notes", 4),
    ("mcp-memory", DATA / "mcp-memory" / "memory.jsonl", 6),
    ("mem0", DATA / "mem0" / "memories.json", 2),
    ("slack", DATA / "slack", 5),
    ("whatsapp", DATA / "whatsapp" / "WhatsApp Chat with Ana.txt", 5),
]
EACH = pytest.mark.parametrize(("name", "path", "count"), TABLE, ids=[row[0] for row in TABLE])
NAMES = pytest.mark.parametrize("name", [row[0] for row in TABLE])
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def take(name: str, path: Path) -> list[Draft | Malformed]:
    return list(methods.load("importers", name).read(History(path)))


def head(path: Path) -> bytes:
    return b"" if path.is_dir() else path.read_bytes()[: 1 << 16]


def test_the_table_has_every_method() -> None:
    assert methods.names("importers") == [row[0] for row in TABLE]


@EACH
def test_is_a_frozen_dataclass_with_default_options(name: str, path: Path, count: int) -> None:
    method: Any = methods.find("importers", name)
    assert dataclasses.is_dataclass(method) and method() == method()
    assert method.__dataclass_params__.frozen
    assert all(suffix.startswith(".") for suffix in method.suffixes)
    assert json.dumps(methods.describe(method()))


@EACH
def test_sniffs_its_own_and_no_other(name: str, path: Path, count: int) -> None:
    assert detect(path) == name
    others = [methods.load("importers", other) for other, _, _ in TABLE if other != name]
    fitting = [method for method in others if method.sniff(path, head(path))]
    assert all(getattr(method, "generic", False) for method in fitting)


@EACH
def test_reads_its_fixture_whole(name: str, path: Path, count: int) -> None:
    found = take(name, path)
    drafts = [one for one in found if isinstance(one, Draft)]
    assert (len(drafts), found) == (count, drafts), "a fixture has nothing malformed"
    assert len({draft.key for draft in drafts}) == count
    for draft in drafts:
        assert draft.content.strip() and draft.source and draft.key
        assert draft.at is None or (isinstance(draft.at, datetime) and draft.at.tzinfo)
        assert json.loads(json.dumps(draft.metadata)) == draft.metadata
        earlier = {one.key for one in drafts[: drafts.index(draft)]}
        assert all(key in earlier for _, key in draft.links), "a link points back"


@EACH
def test_reading_twice_gives_the_same(name: str, path: Path, count: int) -> None:
    assert take(name, path) == take(name, path)


@EACH
def test_a_zip_reads_like_its_folder(name: str, path: Path, count: int, tmp_path: Path) -> None:
    packed = tmp_path / f"{path.stem}.zip"
    folder = path if path.is_dir() else path.parent
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    keys = {one.key for one in take(name, packed) if isinstance(one, Draft)}
    assert detect(packed) == name
    assert keys == {one.key for one in take(name, path) if isinstance(one, Draft)}


@EACH
def test_bytes_are_counted_to_the_end(name: str, path: Path, count: int) -> None:
    history, seen = History(path), [0]
    for _ in methods.load("importers", name).read(history):
        seen.append(history.consumed)
    assert seen == sorted(seen)
    assert 0 < history.consumed == history.total


@pytest.mark.parametrize(("name", "path", "count"), [row for row in TABLE if row[1].is_file()])
def test_a_truncated_file_keeps_what_came_before(
    name: str, path: Path, count: int, tmp_path: Path
) -> None:
    whole = path.read_bytes()
    for end in range(0, len(whole), 11):
        (tmp_path / path.name).write_bytes(whole[:end])
        try:
            found = take(name, tmp_path / path.name)
        except ImportFailed:
            continue
        lost = len([one for one in found if isinstance(one, Draft)]) < count
        if lost and path.suffix == ".json":
            assert isinstance(found[-1], Malformed), "an array that never ends is told"


@NAMES
@FUZZ
@given(junk=st.binary(max_size=400))
def test_random_bytes_raise_only_import_failed(name: str, junk: bytes, tmp_path: Path) -> None:
    for suffix in methods.find("importers", name).suffixes:
        path = tmp_path / f"junk{suffix}"
        path.write_bytes(junk)
        for act in (detect, lambda path: take(name, path)):
            try:
                act(path)
            except ImportFailed as error:
                assert str(error)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def broken(value: Any, choose: Any) -> Any:
    """The same JSON with one value anywhere in it replaced, or left out."""
    if isinstance(value, dict | list) and value and choose(st.integers(0, 9)):
        at = choose(st.sampled_from(list(value) if isinstance(value, dict) else range(len(value))))
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        if choose(st.integers(0, 9)):
            copy[at] = broken(value[at], choose)
        else:
            del copy[at]
        return copy
    return choose(JSON_VALUES)


@pytest.mark.parametrize(
    ("name", "path"), [(n, p) for n, p, _ in TABLE if p.suffix in (".json", ".jsonl")]
)
@settings(FUZZ)
@given(choice=st.data())
def test_one_broken_value_is_never_an_exception(
    name: str, path: Path, choice: st.DataObject, tmp_path: Path
) -> None:
    if path.suffix == ".jsonl":
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        at = choice.draw(st.integers(0, len(entries) - 1))
        entries[at] = broken(entries[at], choice.draw)
        text = "\n".join(json.dumps(entry) for entry in entries)
    else:
        text = json.dumps(broken(json.loads(path.read_text()), choice.draw))
    (tmp_path / path.name).write_text(text)
    try:
        found = take(name, tmp_path / path.name)
    except ImportFailed:
        return
    for one in found:
        json.dumps(one.metadata) if isinstance(one, Draft) else one.place


@NAMES
def test_a_missing_path_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="nowhere"):
        take(name, tmp_path / "nowhere.json")


def test_what_no_format_fits_lists_the_known(tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_text("la la la")
    with pytest.raises(ImportFailed, match="chatgpt, claude, jsonl"):
        detect(tmp_path / "song.txt")


def test_what_two_formats_fit_names_them(tmp_path: Path) -> None:
    entry = '[{"mapping": {}, "chat_messages": []}]'
    (tmp_path / "conversations.json").write_text(entry)
    with pytest.raises(ImportFailed, match="chatgpt or claude"):
        detect(tmp_path / "conversations.json")
