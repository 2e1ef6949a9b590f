"""Traces for OpenTelemetry: a span for each request, and in it one for each stage of the call.

Spans have names, routes, statuses and figures. Addresses, queries, content and the texts of errors
are not in them. Off unless asked for, and then the exporter that the environment names is the only
one who is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon import __version__
from mnemon.models.extras import require
from mnemon.stages import Stage, watched

_ASKING = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def asked(environment: Mapping[str, str]) -> bool:
    """Whether the environment names an exporter's address."""
    return any(environment.get(name) for name in _ASKING)


def exporting() -> Any:
    """A tracer provider that sends spans by OTLP over HTTP to where the environment says, by
    default to this machine's port 4318; `shutdown()` sends what is left.

    Raises:
        MissingExtra: the extra `otel` is not installed.
    """
    sdk = require("opentelemetry.sdk.trace", "opentelemetry-sdk", "otel")
    processors = require("opentelemetry.sdk.trace.export", "opentelemetry-sdk", "otel")
    resources = require("opentelemetry.sdk.resources", "opentelemetry-sdk", "otel")
    otlp = require(
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        "opentelemetry-exporter-otlp-proto-http", "otel",
    )  # fmt: skip
    resource = resources.Resource.create({"service.name": "mnemon"})
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(processors.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    return provider


class Traced:
    """Gives every request a span; a caller's `traceparent` is its parent."""

    def __init__(self, app: ASGIApp, provider: Any) -> None:
        self._app = app
        self._trace = require("opentelemetry.trace", "opentelemetry-api", "otel")
        propagation = require(
            "opentelemetry.trace.propagation.tracecontext", "opentelemetry-api", "otel"
        )
        self._parents = propagation.TraceContextTextMapPropagator()
        self._tracer = provider.get_tracer("mnemon", __version__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = self._parents.extract(dict(Headers(scope=scope)))
        of = {"kind": self._trace.SpanKind.SERVER, "context": parent}
        with self._span(scope["method"], **of) as span, watched(self._watch):

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(self._trace.StatusCode.ERROR)
                await send(message)

            try:
                await self._app(scope, receive, told)
            finally:
                self._name(span, scope)

    def _name(self, span: Any, scope: Scope) -> None:
        route = getattr(scope.get("route"), "path", None)
        if route is not None:
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute("http.route", route)
        told = {
            "http.request.method": scope["method"],
            "mnemon.request": scope.get("mnemon.request"),
            "mnemon.key": scope.get("mnemon.key"),
            "error.type": scope.get("mnemon.error"),
        }
        span.set_attributes({name: value for name, value in told.items() if value is not None})

    @contextmanager
    def _watch(self, stage: Stage) -> Iterator[None]:
        with self._span(stage.name) as span:
            try:
                yield
            finally:
                span.set_attributes({f"mnemon.{n}": value for n, value in stage.figures.items()})

    @contextmanager
    def _span(self, name: str, **of: Any) -> Iterator[Any]:
        # An exception's text may quote what was remembered: only its class is told.
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **of
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                raise
