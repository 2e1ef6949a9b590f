"""Metrics for Prometheus: requests, refusals, searches by regime, and what the store holds.

Labels are methods, route templates, statuses, regimes and whether a rate was a key's: nothing of a
tenant, and no more series than there are routes.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon.server.rates import Taken
from mnemon.stages import Stage, watched

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_RATES = ("key", "namespace")
_METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")


class Metrics:
    """One server's. `size` gives counts and bytes of the store, asked at each scrape."""

    def __init__(self, size: Callable[[], Mapping[str, int]]) -> None:
        self._registry = of = CollectorRegistry()
        self.requests = Histogram(
            "mnemon_request_seconds", "Requests by method, route and status.",
            ("method", "route", "status"), buckets=_SECONDS, registry=of,
        )  # fmt: skip
        self.running = Gauge("mnemon_requests_running", "Requests being served.", registry=of)
        self.refused = Counter(
            "mnemon_key_refused",
            "Requests without a key, or with one that opens nothing.",
            registry=of,
        )
        self.limited = Counter(
            "mnemon_rate_limited", "Requests that a rate refused: a key's, or a namespace's.",
            ("rate",), registry=of,
        )  # fmt: skip
        for one in _RATES:
            self.limited.labels(one)
        self.searches = Counter(
            "mnemon_searches", "Searches and recalls by regime.", ("call", "regime"), registry=of
        )
        self.written = Counter(
            "mnemon_store_writes", "Transactions that this server wrote.", registry=of
        )
        self._registry.register(_Size(size))

    def text(self) -> bytes:
        """What a scrape gets."""
        return generate_latest(self._registry)

    @contextmanager
    def watch(self, stage: Stage) -> Iterator[None]:
        """Count the stages of calls."""
        yield
        if stage.name in ("search", "recall"):
            self.searches.labels(stage.name, stage.figures["regime"]).inc()
        elif stage.name == "store.write":
            self.written.inc()

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request that was answered."""
        known = method if method in _METHODS else "other"
        self.requests.labels(known, route, str(status)).observe(seconds)
        if status == 401:
            self.refused.inc()

    def count_refusal(self, namespace: str | None) -> None:
        """One request that a rate refused: a namespace's, or else a key's."""
        self.limited.labels(_RATES[namespace is not None]).inc()


class _Size(Collector):
    def __init__(self, size: Callable[[], Mapping[str, int]]) -> None:
        self._size = size

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, value in self._size().items():
            told = f"{name.replace('_', ' ')} of the store".capitalize()
            yield GaugeMetricFamily(f"mnemon_store_{name}", f"{told}.", value=value)

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # so that registering asks the store nothing


class Measured:
    """Measures every request, and watches its stages."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        def told(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        self._metrics.running.inc()
        try:
            with watched(self._metrics.watch):
                await self._app(scope, receive, told)
        finally:
            self._metrics.running.dec()
            route = getattr(scope.get("route"), "path", "none")
            seconds = time.perf_counter() - begun
            self._metrics.count(scope["method"], route, status, seconds)
            taken: Taken | None = scope.get("mnemon.taken")
            if taken is not None and taken.refused is not None:
                self._metrics.count_refusal(taken.refused.namespace)
