"""What every place does, and what it refuses; a folder survives being killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from tests.kv.tiers.blobs import key_of

from mnemon.errors import InvalidInput, PlaceFailed
from mnemon.kv.tiers import places
from mnemon.kv.tiers.places import Place, place_of
from mnemon.kv.tiers.places.folder import Folder
from mnemon.kv.tiers.places.url import Url

ONE, TWO = key_of(1), key_of(2)


@pytest.fixture(params=["folder", "file://", "file:// by fsspec", "memory://", "redis://"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "redis://":
        server = request.getfixturevalue("redis_server")
        places.delete(server, list(places.keys(server)))
        place = place_of(server)
        request.addfinalizer(place.close)
        return place
    if request.param == "memory://":
        return place_of(f"memory://{uuid4().hex}/kv")
    if request.param == "file:// by fsspec":
        return Url(f"file://{tmp_path}/kv")
    return place_of(tmp_path / "kv" if request.param == "folder" else f"file://{tmp_path}/kv")


def test_what_was_written_is_read_until_it_is_deleted(place: Place) -> None:
    data = bytes(range(256)) * 300
    assert (place.open(ONE), place.size(ONE), place.sample(ONE, 0, 9)) == (None, None, None)
    assert place.sizes() == {} and place.delete([ONE]) == 0
    place.write(ONE, b"before")
    place.write(ONE, bytearray(data))
    place.write(TWO, b"two")
    reading = place.open(ONE)
    assert reading is not None and reading.size == len(data)
    with reading:
        room = bytearray(1000)
        assert reading.into(70_000, memoryview(room)) == 1000 and room == data[70_000:71_000]
        assert reading.into(len(data) - 10, memoryview(room)) == 10
    assert place.sample(ONE, 100, 200) == data[100:200]
    assert place.sample(TWO, 0, 1000) == b"two"
    assert place.size(ONE) == len(data)
    assert place.sizes() == {ONE: len(data), TWO: 3}
    assert place.delete([ONE, key_of(3)]) == 1
    assert place.open(ONE) is None and place.sizes() == {TWO: 3}


def test_only_keys_are_names(place: Place) -> None:
    for name in ("../../etc/passwd", "AB" * 32, "", "ab" * 31):
        with pytest.raises(InvalidInput, match="no key"):
            place.write(name, b"x")
        with pytest.raises(InvalidInput, match="no key"):
            place.delete([name])


def test_only_the_owner_can_read_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "kv"
    place_of(folder).write(ONE, b"x")
    modes = {
        path.relative_to(folder).name: path.stat().st_mode & 0o777 for path in folder.rglob("*")
    }
    assert modes == {"01": 0o700, "partial": 0o700, f"{ONE}.safetensors": 0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_half_written_files_are_never_seen_and_go_with_their_key(tmp_path: Path) -> None:
    place = Folder(tmp_path)
    place.write(TWO, b"two")
    for name in (f"{ONE}.1.aa", f"{TWO}.1.aa"):
        (tmp_path / "partial" / name).write_bytes(b"half of the secret")
    os.utime(tmp_path / "partial" / f"{TWO}.1.aa", (0, 0))
    assert list(place.sizes()) == [TWO] and place.open(ONE) is None
    place.tidy()
    assert [path.name for path in (tmp_path / "partial").iterdir()] == [f"{ONE}.1.aa"]
    assert place.delete([ONE]) == 0
    assert list((tmp_path / "partial").iterdir()) == []


WRITES = """
import os, signal, sys
from pathlib import Path
from mnemon.kv.tiers.places import folder
place, key, step = folder.Folder(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
data = sys.stdin.buffer.read()
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
calls = 0
def dies(at, real):
    def called(*given):
        global calls
        calls += 1
        return die() if calls == at else real(*given)
    return called
if step == "half":
    def half(file, data):
        Path(file).write_bytes(data[: len(data) // 2])
        die()
    folder._written = half
elif step == "fsync":
    folder.os.fsync = dies(int(sys.argv[4]), os.fsync)
elif step == "rename":
    folder.Path.replace = dies(1, Path.replace)
elif step == "loop":
    for number in range(10**6):
        place.write(f"{number % 50:02x}" * 32, data)
        place.delete([f"{(number + 25) % 50:02x}" * 32])
        print(flush=True)
place.write(key, data)
"""


def killed(folder: Path, data: bytes, *step: str) -> None:
    command = [sys.executable, "-c", WRITES, str(folder), ONE, *step]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


# The folder exists: the syncs are of its two new folders, of the file, and of the name.
@pytest.mark.parametrize(
    ("step", "there"),
    [("half", False), ("rename", False), ("fsync 3", False), ("fsync 4", True)],
)
def test_a_writer_that_is_killed_leaves_all_or_nothing(
    tmp_path: Path, step: str, there: bool
) -> None:
    data = os.urandom(100_000)
    killed(tmp_path, data, *step.split())
    place = Folder(tmp_path)
    assert place.sizes() == ({ONE: len(data)} if there else {})
    assert place.sample(ONE, 0, len(data)) == (data if there else None)
    place.write(ONE, data)
    assert place.sample(ONE, 0, len(data)) == data
    place.delete([ONE])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_is_whole_whenever_its_writer_dies_and_while_it_writes(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    command = [sys.executable, "-c", WRITES, str(tmp_path), ONE, "loop"]
    place = Folder(tmp_path)
    for writes in (5, 20):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
            assert writer.stdin is not None and writer.stdout is not None
            writer.stdin.write(data)
            writer.stdin.close()
            for _ in range(writes):
                writer.stdout.readline()
                sizes = place.sizes()
                assert set(sizes.values()) <= {len(data)}
                assert all(place.sample(key, 0, 10**6) in (data, None) for key in list(sizes)[:3])
            writer.send_signal(signal.SIGKILL)
    assert set(place.sizes().values()) == {len(data)}
    assert all(place.sample(key, 0, 10**6) == data for key in place.sizes())


def test_a_server_that_is_not_there_is_told() -> None:
    nowhere = "redis://127.0.0.1:9/0"
    with pytest.raises(PlaceFailed, match=r"127\.0\.0\.1:9"):
        places.delete(nowhere, [ONE])
    with pytest.raises(PlaceFailed, match=r"127\.0\.0\.1:9"):
        list(places.keys(nowhere))


def test_passwords_are_not_told() -> None:
    with pytest.raises(PlaceFailed) as failed:
        places.delete("redis://ana:secret@127.0.0.1:9/0", [ONE])
    assert "secret" not in str(failed.value)


def test_an_unknown_url_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        place_of("nowhere://at/all")


def test_forgetting_needs_no_torch(tmp_path: Path) -> None:
    Folder(tmp_path).write(ONE, b"x")
    code = (
        "import sys; from mnemon.kv.tiers import places; place = sys.argv[1];"
        "print(places.delete(place, list(places.keys(place))), *places.keys(place),"
        " *[name for name in ('torch', 'safetensors', 'fsspec', 'redis') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]
