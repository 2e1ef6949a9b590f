from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnemon.errors import ImportFailed
from mnemon.importers import History
from mnemon.importers._json import cut, shape

Write = Callable[[str, Any], Path]


def test_a_folder_is_listed_sorted_without_hidden_files(write: Write) -> None:
    for name in ("n/b.md", "n/a/c.md", "n/.git/x.md", "n/p.jpg"):
        folder = write(name, "12345")
    history = History(folder.parent)
    assert history.files("*.md") == ["a/c.md", "b.md"]
    assert history.total == 10, "photographs are not counted"


def test_reading_again_does_not_count_again(write: Write) -> None:
    history = History(write("a.txt", "x" * 200_000))
    with history.open(counted=False) as stream:
        stream.read()
    assert history.consumed == 0
    for _ in range(2):
        with history.open() as stream:
            stream.read()
    assert history.consumed == history.total == 200_000


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", bytes(range(256)) * 400)
    whole = bytearray(path.read_bytes())
    whole[60:80] = b"\xff" * 20
    path.write_bytes(whole)
    with pytest.raises(ImportFailed, match=r"a\.txt is damaged"), History(path).open("a.txt") as it:
        it.read()
    path.write_bytes(whole[:100])
    with pytest.raises(ImportFailed, match="cannot open"):
        History(path)


def test_what_is_not_in_the_history_is_told(write: Write) -> None:
    with pytest.raises(ImportFailed, match=r"no file '\.\./b'"):
        History(write("n/a.txt", "x").parent).open("../b")


@pytest.mark.parametrize(
    ("text", "key", "items"),
    [
        (b'[{"a": "]}"}, {"b": [1, {}]}]', None, [b'{"a": "]}"}', b'{"b": [1, {}]}']),
        (b'[1, null, {"a": "\\\\"} , "x"]', None, [b"1, null", b'{"a": "\\\\"}', b'"x"']),
        (b'[{}, {"a": "\\"', None, [b"{}", b'{"a": "\\"']),
        (b"[{},", None, [b"{}", b""]),
        (b'{"v": [{"k": [{}]}], "k": [{"a": 1}], "z": {}}', "k", [b'{"a": 1}']),
        (b"[]", None, []),
        (b"", None, [b""]),
    ],
)
def test_arrays_are_cut_at_their_items(text: bytes, key: str | None, items: list[bytes]) -> None:
    assert list(cut(io.BufferedReader(io.BytesIO(text)), key)) == items


def test_items_larger_than_the_buffer_are_cut_whole() -> None:
    items = [b'{"a": "%s"}' % (b'\\"]' * n) for n in (0, 21_845, 21_846, 300_000)]
    text = b"[" + b",\n".join(items) + b"]"
    assert list(cut(io.BufferedReader(io.BytesIO(text)))) == items


def test_the_shape_of_a_beginning() -> None:
    assert shape(b'\xef\xbb\xbf [{"a": {"b": 1}, "c": [{"d": "tru') == {
        "[].a",
        "[].a.b",
        "[].c",
        "[].c[].d",
    }
    assert shape(b'{"broken": \n{"text": 1}\n{"id": 2}\n') >= {"text", "id"}
    assert shape(b'# A note\n\n{"type": "entity"}\n\nand text') == frozenset()
    assert shape(b"[" * 60_000) == frozenset()
