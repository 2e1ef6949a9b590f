"""Watching a server: metrics, and traces. Neither ever holds content."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time

import httpx2
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from mnemon import Memory
from mnemon.errors import NotFound
from mnemon.identity import new_id
from mnemon.server import otel, serving
from mnemon.server.keys import beside
from mnemon.server.settings import Settings


def scraped(url, token=None):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = httpx2.get(f"{url}/metrics", headers=headers)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return answer.text, {
        (one.name, *sorted(one.labels.values())): one.value
        for family in families for one in family.samples
    }  # fmt: skip


def test_metrics_count_what_happens_and_what_there_is(serve):
    url = serve()
    with Memory(url) as memory:
        cube = memory.add("the secret zebra", namespace="acme/ana")
        memory.search("zebra", namespace="acme/ana")
        memory.recall("zebra", namespace="acme/ana")
        with pytest.raises(NotFound):
            memory.get(new_id(), namespace="acme/ana")
        memory.get(cube.id, namespace="acme/ana")
    text, found = scraped(url)
    requests = "mnemon_request_seconds_count"
    assert found[requests, "/v1/add", "200", "POST"] == 1
    assert found[requests, "/v1/get/{id:path}", "200", "GET"] == 1
    assert found[requests, "/v1/get/{id:path}", "404", "GET"] == 1
    assert found["mnemon_searches_total", "everything", "recall"] == 1
    assert sum(v for key, v in found.items() if key[0] == "mnemon_searches_total") == 2
    assert found[("mnemon_store_cubes",)] == found[("mnemon_store_journal",)] == 1
    assert found[("mnemon_store_file_bytes",)] > 0 and found[("mnemon_requests_running",)] == 1
    assert found[("mnemon_store_writes_total",)] >= 1
    for word in ("zebra", "acme", "ana", cube.id):
        assert word not in text


def test_metrics_need_a_key_that_watches_all_of_it_once_there_are_keys(serve, path, problem):
    url = serve()
    scraped(url)
    watcher, _ = beside(path).add("prometheus", None, ["watch"])
    tenant, _ = beside(path).add("ana", ["acme"], rate="2/h")
    owner, _ = beside(path).add("owner", None, ["read", "write", "forget", "admin"])
    problem(httpx2.get(f"{url}/metrics"), 401, "urn:mnemon:key-refused")
    for token in (tenant, owner):
        answer = httpx2.get(f"{url}/metrics", headers={"Authorization": f"Bearer {token}"})
        problem(answer, 403, "urn:mnemon:access-denied")
    for _ in range(2):
        httpx2.get(f"{url}/v1/count", headers={"Authorization": f"Bearer {tenant}"})
    for call in ("count", "export"):
        answer = httpx2.get(f"{url}/v1/{call}", headers={"Authorization": f"Bearer {watcher}"})
        problem(answer, 403, "urn:mnemon:access-denied")
    _, found = scraped(url, watcher)
    limited = [found["mnemon_rate_limited_total", of] for of in ("key", "namespace")]
    assert (found[("mnemon_key_refused_total",)], *limited) == (1, 1, 0)


def test_addresses_that_nobody_knows_make_no_series(serve):
    url = serve()
    for n in range(5):
        httpx2.request("PROPFIND" if n else "GET", f"{url}/zebra{n}")
    text, found = scraped(url)
    assert "zebra" not in text and "PROPFIND" not in text
    assert sum(v for key, v in found.items() if key[0].endswith("_count") and "none" in key) == 5


@pytest.fixture
def traced(path):
    """Serves with an exporter that keeps the spans; gives the address and the exporter."""
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    server = serving.server(Settings(path, port=0), provider)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", spans
    server.should_exit = True
    thread.join()


def ended(spans, last):
    """The spans, once the last one is there: it ends after its answer went out."""
    for _ in range(1000):
        found = spans.get_finished_spans()
        if last in (span.name for span in found):
            break
        time.sleep(0.01)
    return found


def test_spans_tell_the_stages_and_no_content(traced, path):
    url, spans = traced
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    with httpx2.Client(base_url=url, headers={"X-Request-Id": "abc"}) as client:
        client.post("/v1/add", json={"content": "the secret zebra", "speaker": "Zoe"})
        client.post("/v1/search", json={"query": "zebra"},
                    headers={"traceparent": f"00-{trace}-{parent}-01"})  # fmt: skip
        client.get(f"/v1/get/{new_id()}", params={"namespace": "zebra"})
    found = ended(spans, "GET /v1/get/{id:path}")
    by_name = {span.name: span for span in found}
    assert {"POST /v1/add", "store.write", "POST /v1/search", "search", "search.look",
            "search.rank", "GET /v1/get/{id:path}"} <= by_name.keys()  # fmt: skip
    search = by_name["POST /v1/search"]
    assert f"{search.context.trace_id:032x}" == trace and f"{search.parent.span_id:016x}" == parent
    assert by_name["search"].parent.span_id == search.context.span_id
    assert by_name["search.rank"].parent.span_id == by_name["search"].context.span_id
    assert by_name["search"].attributes["mnemon.regime"]
    assert by_name["store.write"].parent.span_id == by_name["POST /v1/add"].context.span_id
    missing = by_name["GET /v1/get/{id:path}"].attributes
    assert missing["http.response.status_code"] == 404 and missing["error.type"] == "NotFound"
    assert missing["mnemon.request"] == "abc"
    for span in found:
        assert "zebra" not in span.to_json() and "Zoe" not in span.to_json()


def test_an_error_nobody_foresaw_is_a_span_without_its_text(traced, monkeypatch):
    url, spans = traced

    def fail(*_, **__):
        raise RuntimeError("the secret zebra")

    monkeypatch.setattr(Memory, "count", fail)
    assert httpx2.get(f"{url}/v1/count").status_code == 500
    (span,) = ended(spans, "GET /v1/count")
    assert not span.status.is_ok and span.attributes["error.type"] == "RuntimeError"
    assert "zebra" not in span.to_json()


def test_traces_are_off_unless_asked_for():
    assert not otel.asked({}) and not otel.asked({"OTEL_EXPORTER_OTLP_ENDPOINT": ""})
    assert otel.asked({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"})
    code = (
        "import sys; from pathlib import Path; from mnemon.server import app;"
        "from mnemon.server.settings import Settings; app.build(Settings(Path(sys.argv[1])));"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", code, f"{folder}/a.db"],
                              capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_traces_go_where_the_environment_says(path, monkeypatch):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    with socket.create_server(("127.0.0.1", 0)) as collector:
        port = collector.getsockname()[1]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        provider = otel.exporting()
        with provider.get_tracer("x").start_as_current_span("a"):
            pass
        closing = threading.Thread(target=provider.shutdown)
        closing.start()
        asked, _ = collector.accept()
        with asked:
            assert asked.recv(1000).startswith(b"POST /v1/traces ")
            asked.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        closing.join()
