"""A database that goes away: who asks with a key waits for it, and is never let in without."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2

from mnemon.server.homes.opening import opened
from mnemon.server.settings import Settings


def test_requests_wait_for_the_database_to_come_back(database, postgresql, server_running):
    url = database()
    with opened(url) as home:
        token, _ = home.keys.add("ana", ["acme"], rate="100/h")
    with (
        server_running(Settings(url, port=0)) as address,
        httpx2.Client(base_url=address, timeout=60, verify=False) as http,
        ThreadPoolExecutor(2) as pool,
    ):

        def status(key):
            return http.get("/v1/status", headers={"Authorization": f"Bearer {key}"}).status_code

        assert (status(token), status("mnemon_guessed")) == (200, 401)
        postgresql.stop()
        waiting = [pool.submit(status, key) for key in (token, "mnemon_guessed")]
        assert http.get("/healthz").status_code == 200
        threading.Event().wait(0.2)
        assert not any(one.done() for one in waiting)
        postgresql.start()
        assert [one.result() for one in waiting] == [200, 401]
