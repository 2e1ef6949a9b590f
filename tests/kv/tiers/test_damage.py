"""What is damaged, gone or out of reach is computed again; it never becomes wrong tensors."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kv.tiers.blobs import blob, key_of, same

from mnemon.errors import DamagedBlob, PlaceFailed
from mnemon.kv.tiers import Blob, CostModel, Tiers
from mnemon.kv.tiers.blob import encode

ONE = key_of(1)


def tiers(folder: Path | None, **options: Any) -> Tiers:
    return Tiers(disk=folder, **{"costs": CostModel(skips=False), **options})


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with blobs 1 and 2."""
    folder = tmp_path_factory.mktemp("written")
    with tiers(folder) as some:
        some.put(blob(1), seconds=1.0)
        some.put(blob(2), seconds=1.0)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "kv"))


def file_of(folder: Path, key: str = ONE) -> Path:
    return folder / key[:2] / f"{key}.safetensors"


@settings(max_examples=25)
@given(data=st.data())
def test_any_flipped_byte_of_a_file_is_found(written: Path, data: st.DataObject) -> None:
    file = file_of(written)
    good = file.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    flip = data.draw(st.integers(1, 255))
    cut = data.draw(st.booleans())
    bad = good[:place] if cut else good[:place] + bytes([good[place] ^ flip]) + good[place + 1 :]
    file.write_bytes(bad)
    try:
        with tiers(written) as some:
            assert some.get(ONE) is None
            assert some.counts["damaged"] == 1 and not file.exists(), "removed, so computed once"
            assert same(some.get(key_of(2)), blob(2))
    finally:
        file.write_bytes(good)


def test_damage_is_logged_and_the_next_put_mends_it(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = bytearray(file_of(folder).read_bytes())
    damaged[-1] ^= 1
    file_of(folder).write_bytes(damaged)
    with tiers(folder, host=0) as some:
        with caplog.at_level(logging.WARNING, "mnemon.kv.tiers"):
            assert some.get(ONE) is None
        assert ONE[:16] in caplog.text and "damaged" in caplog.text
        some.put(blob(1), seconds=1.0)
        some.flush()
        assert same(some.get(ONE), blob(1))


def test_a_damaged_layer_ends_the_stream_before_it(folder: Path) -> None:
    damaged = bytearray(file_of(folder).read_bytes())
    damaged[-1] ^= 1  # of the last tensor in the file: values of the last layer
    file_of(folder).write_bytes(damaged)
    with tiers(folder) as some:
        stream = some.stream(ONE)
        assert stream is not None
        with pytest.raises(DamagedBlob):
            list(stream)
        assert some.get(ONE) is None and some.counts["damaged"] == 1


def test_the_next_place_is_asked_if_the_first_is_damaged(folder: Path, tmp_path: Path) -> None:
    remote = f"file://{shutil.copytree(folder, tmp_path / 'remote')}"
    file_of(folder).write_bytes(b"nothing of a blob")
    with tiers(folder, remote=remote) as some:
        assert same(some.get(ONE), blob(1))
        assert some.counts["damaged"] == some.counts["hits_remote"] == 1


def test_the_blob_of_another_key_is_found(folder: Path) -> None:
    file_of(folder).write_bytes(file_of(folder, key_of(2)).read_bytes())
    with tiers(folder) as some:
        assert some.get(ONE) is None and some.counts["damaged"] == 1
        assert same(some.get(key_of(2)), blob(2))


def test_a_file_that_vanished_is_a_miss(folder: Path) -> None:
    with tiers(folder, host=0) as some:
        assert same(some.get(ONE), blob(1))
        file_of(folder).unlink()
        assert some.get(ONE) is None
        assert some.counts["misses"] == 1 and some.counts["damaged"] == 0
        for _ in range(2):
            some.put(blob(1), seconds=1.0)
            some.flush()
            assert same(some.get(ONE), blob(1)), "and it is written again"
            file_of(folder).unlink()


OTHER = """
import sys
from pathlib import Path
from mnemon.kv.tiers.places.folder import Folder
place, given = Folder(Path(sys.argv[1])), sorted(Path(sys.argv[2]).iterdir())
print(flush=True)
for step in range(10**6):
    one, other = given[step * 7 % len(given)], given[step * 5 % len(given)]
    place.write(one.name, one.read_bytes())
    place.delete([other.name], halves=False)
"""


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    blobs = [blob(number) for number in range(9)]
    given, shared = tmp_path / "given", tmp_path / "shared"
    given.mkdir()
    for one in blobs:
        (given / one.key).write_bytes(encode(Blob(one.key, {"seconds": 1.0}, one.tensors)))
    command = [sys.executable, "-c", OTHER, str(shared), str(given)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as other,
        tiers(shared, host=0, disk_bytes=5 * blobs[0].nbytes) as some,
    ):
        assert other.stdout is not None and other.stdout.readline()
        for step in range(60):
            some.put(blobs[step % 9], seconds=1.0)
            some.flush()
            for one in (blobs[step % 9], blobs[step * 4 % 9]):
                found = some.get(one.key)
                assert found is None or same(found, one)
        assert other.poll() is None, "it is still at work"
        other.terminate()
        assert some.counts["damaged"] == some.counts["failed"] == 0
        assert some.counts["hits_disk"] > 0


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kv").write_text("a file is in the way")
    with tiers(tmp_path / "kv", host=0) as some:
        some.put(blob(1), seconds=1.0)
        some.flush()
        assert some.get(ONE) is None and some.counts["failed"] > 0
        assert "kv" in caplog.text
        with pytest.raises(PlaceFailed):
            some.keys()
        with pytest.raises(PlaceFailed):
            some.delete([ONE])


def test_a_remote_that_is_not_there_is_as_if_there_were_none(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with tiers(folder, remote="redis://127.0.0.1:9/0") as some:
        assert some.get(key_of(3)) is None and some.counts["unreachable"] == 1
        assert "127.0.0.1:9" in caplog.text
        assert some.get(key_of(4)) is None and some.counts["unreachable"] == 1, "it is left alone"
        assert same(some.get(ONE), blob(1))
        with pytest.raises(PlaceFailed, match="127"):
            some.delete([ONE])
        assert some.get(ONE) is None and not file_of(folder).exists(), "elsewhere it is gone"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0?socket_timeout=0.2"


def test_a_remote_that_does_not_answer_is_not_waited_for(silent: str, folder: Path) -> None:
    with tiers(folder, remote=silent) as some:
        assert some.get(key_of(3)) is None and some.counts["unreachable"] == 1
        some.put(blob(4), seconds=1.0)
        some.flush()
        assert same(some.get(key_of(4)), blob(4))
