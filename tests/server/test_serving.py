"""Real processes: starting, refusing, being killed; and limits, which protect a process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx2
import pytest
from click.testing import CliRunner

from mnemon import Memory
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, ServerError
from mnemon.server import serving, spool
from mnemon.server.keys import beside
from mnemon.server.settings import Settings

from .conftest import SOURCE


def test_a_killed_server_loses_nothing_acknowledged(process, path):
    child, url = process()
    acknowledged = []

    def load(name):
        with Memory(url) as memory:
            try:
                for n in range(10_000):
                    acknowledged.append(memory.add(f"{name} wrote number {n}").id)
            except ServerError:
                return  # it was killed

    threads = [threading.Thread(target=load, args=(f"writer{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 40:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    for thread in threads:
        thread.join()
    with Memory(path) as memory:
        assert {cube.id for cube in memory.list(limit=-1)} >= set(acknowledged)
        assert memory.search("writer0 wrote number 0")
        assert memory.fsck() == []


def test_a_process_serves_logs_without_content_and_stops(process):
    child, url = process("--drain", "0.1")
    with Memory(url) as memory:
        memory.add("the secret zebra", speaker="Zoe")
        assert memory.search("zebra")
    child.send_signal(signal.SIGTERM)
    _, logged = child.communicate(timeout=20)
    assert child.returncode == 0
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [line["route"] for line in lines] == ["/v1/add", "/v1/search"]
    assert "zebra" not in logged and "Zoe" not in logged


def test_numpy_comes_after_it_was_told_to_start_no_threads():
    code = "import sys, mnemon.server.serving; print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )  # fmt: skip
    assert done.stdout.split() == ["False"]


def test_a_network_is_not_served_without_keys(serve, path):
    done = CliRunner().invoke(mnemon, ["--store", str(path), "serve", "--host", "0.0.0.0"])
    assert done.exit_code == 2 and "mnemon key add" in done.output
    assert not path.exists()
    token, _ = beside(path).add("ana", None)
    with Memory(serve(host="0.0.0.0"), api_key=token) as memory:
        assert memory.add("x").content == "x"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("dealt", [False, True])
def test_a_taken_port_is_told(path, workers, dealt):
    with socket.create_server(("127.0.0.1", 0), reuse_port=dealt) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match="--port"):
            serving.serve(Settings(path, port=port, workers=workers), ready=print)


def test_several_processes_say_why_none_of_them_serves(tmp_path):
    words = [sys.executable, "-m", "mnemon", "--store", str(tmp_path), "serve", "--port", "0"]
    done = subprocess.run([*words, "--workers", "2"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"Error: cannot open {tmp_path}: it is a folder" in done.stderr


def test_too_much_is_refused(serve, problem, tmp_path):
    url = serve(max_body=2048, max_upload=4096, max_depth=20)
    long = httpx2.post(f"{url}/v1/add", json={"content": "x" * 3000})
    problem(long, 413, "urn:mnemon:content-too-large")
    pieces = (b"x" * 1000 for _ in range(3))
    problem(httpx2.post(f"{url}/v1/add", content=pieces), 413, "urn:mnemon:content-too-large")
    upload = httpx2.post(f"{url}/v1/import?name=a.md", content=(b"x" * 1000 for _ in range(9)))
    problem(upload, 413, "urn:mnemon:content-too-large")
    deep = b'{"content": "[[[[[[[[[[[[[[[[[[[[[[[", "metadata": %s}'
    for body, status in ((b'{"a":' * 18 + b"1" + b"}" * 18, 200), (b"[" * 900, 422)):
        answer = httpx2.post(
            f"{url}/v1/add", content=deep % body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status, answer.text
    assert httpx2.get(f"{url}/v1/count").json() == {"count": 1}
    assert not list(tmp_path.glob("*-uploads/*"))


def test_an_upload_is_not_held_in_memory(serve, problem):
    url = serve()
    before = _peak_mb()
    pieces = (bytes(2**20) for _ in range(150))
    answer = httpx2.post(f"{url}/v1/import", content=pieces, timeout=60)
    problem(answer, 422, "urn:mnemon:import-failed")
    assert _peak_mb() - before < 75


def _peak_mb():
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_what_takes_too_long_is_told_in_time(serve, problem, monkeypatch):
    url = serve(timeout=0.3)
    slow = threading.Event()
    monkeypatch.setattr(Memory, "count", lambda *_, **__: slow.wait(5) or 0)
    begun = time.monotonic()
    problem(httpx2.get(f"{url}/v1/count"), 504, "urn:mnemon:server-error")
    assert time.monotonic() - begun < 3
    slow.set()
    with socket.create_connection(httpx2.URL(url).netloc.decode().split(":")) as stuck:
        stuck.sendall(b"POST /v1/add HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{")
        assert b" 504 " in stuck.recv(200)
    with socket.create_connection(httpx2.URL(url).netloc.decode().split(":")) as stuck:
        stuck.sendall(b"POST /v1/import HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{")
        assert b" 504 " in stuck.recv(200)
    assert httpx2.get(f"{url}/v1/list").json()["cubes"] == []


def test_what_a_killed_server_left_behind_is_removed(path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    left = path.with_name(f"{path.name}-uploads") / f"{dead}-abc"
    others = left.with_name(f"{os.getppid()}-abc")
    for folder in (left, others):
        folder.mkdir(parents=True)
        (folder / "upload.zip").write_text("private")
    spool.clear(path)
    assert not left.exists() and others.exists()
