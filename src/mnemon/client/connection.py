"""One server over HTTP: requests, retries, problem documents as the errors they tell of."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from mnemon import __version__
from mnemon.errors import (
    InvalidInput,
    RateLimited,
    ServerError,
    SpaceMoved,
    StoreBusy,
    StoreClosed,
)
from mnemon.models.extras import require
from mnemon.wire import problems
from mnemon.wire.plain import plain
from mnemon.wire.values import revive

_ATTEMPTS = 4
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 2.0
_LONGEST_RATE_WAIT_S = 30.0


class Connection:
    """Sends requests to one server; safe to use from many threads.

    What may be repeated without harm is repeated when the network or a busy store fails; anything
    else only when the server was not even reached, or when it did nothing because the key asks too
    fast: then it waits as long as the server says, if that is not long.
    """

    def __init__(self, url: str, api_key: str | None, actor: str | None, timeout: float) -> None:
        self._http = require("httpx2", "httpx2", "client")
        self._tenacity = require("tenacity", "tenacity", "client")
        self.url = url.rstrip("/")
        self._api_key, self._actor = api_key, actor
        self._timeout = timeout
        self._client = self._http.Client(
            timeout=timeout,
            headers={"User-Agent": f"mnemon/{__version__}"},
            verify=not self.url.startswith("http://"),  # certificates take 60 ms to load
        )

    def acting(self, actor: str) -> Connection:
        """The same connection for another actor."""
        other = object.__new__(Connection)
        other.__dict__.update(self.__dict__, _actor=actor)
        return other

    def close(self) -> None:
        """Let go of the server. Closing twice is no error."""
        self._client.close()

    def ask(
        self,
        method: str,
        call: str,
        kind: Any,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        repeatable: bool = False,
        patient: bool = False,
    ) -> Any:
        """The answer to a call, as a value of type `kind`.

        `repeatable` says that asking twice is as good as once, `patient` that it may take long.

        Raises:
            ServerError: the server cannot be reached or is no Mnemon; else what it raised itself.
        """
        content = None if body is None else _json(body)
        headers = {"Content-Type": "application/json"} if body is not None else {}

        def send() -> Any:
            wait = None if patient else self._timeout
            return self._answer(
                self._client.request(
                    method, self._address(call), content=content, timeout=wait,
                    params=_params(query or {}), headers=self._headers(headers),
                )
            )  # fmt: skip

        answer = self._attempted(send, repeatable)
        if answer.status_code == 204:
            return None
        try:
            return revive(kind, answer.json())
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise self._strange(f"an answer that is none of Mnemon's ({error})") from error

    def upload(
        self, call: str, kind: Any, pieces: Iterable[bytes], query: Mapping[str, Any]
    ) -> Any:
        """The answer to a body that is sent piece by piece."""

        def send() -> Any:
            return self._answer(
                self._client.post(
                    self._address(call), content=pieces, params=_params(query), timeout=None,
                    headers=self._headers({"Content-Type": "application/octet-stream"}),
                )
            )  # fmt: skip

        return revive(kind, self._reached(send).json())

    def lines(self, call: str, query: Mapping[str, Any]) -> Generator[bytes]:
        """The lines of an answer, as they come."""
        self._check_open()
        try:
            with self._client.stream(
                "GET", self._address(call), params=_params(query), headers=self._headers({})
            ) as answer:
                if answer.status_code != 200:
                    answer.read()
                self._answer(answer)
                yield from _lines(answer.iter_bytes())
        except self._http.TransportError as error:
            raise self._unreachable(error) from error

    def _attempted(self, send: Callable[[], Any], repeatable: bool) -> Any:
        never_sent = (self._http.ConnectError, self._http.ConnectTimeout)
        worth = (self._http.TransportError, StoreBusy, SpaceMoved) if repeatable else never_sent
        growing = self._tenacity.wait_random_exponential(
            multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S
        )

        def wait(state: Any) -> float:
            error = state.outcome.exception()
            told = error.retry_after if isinstance(error, RateLimited) else 0.0
            return float(told + growing(state))

        retrying = self._tenacity.Retrying(
            retry=self._tenacity.retry_if_exception_type(worth)
            | self._tenacity.retry_if_exception(_soon_let_in),
            stop=self._tenacity.stop_after_attempt(_ATTEMPTS),
            wait=wait,
            reraise=True,
        )
        return self._reached(lambda: retrying(send))

    def _reached(self, send: Callable[[], Any]) -> Any:
        self._check_open()
        try:
            return send()
        except self._http.TransportError as error:
            raise self._unreachable(error) from error

    def _check_open(self) -> None:
        if self._client.is_closed:
            raise StoreClosed("this memory was closed: open it again with Memory(url)")

    def _answer(self, answer: Any) -> Any:
        if answer.is_success:
            return answer
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, dict) or "status" not in told:
            raise self._strange(f"status {answer.status_code} and no problem document")
        raise problems.error_of(told)

    def _strange(self, what: str) -> ServerError:
        return ServerError(f"{self.url} gave {what}: check that a Mnemon server is there")

    def _unreachable(self, error: Exception) -> ServerError:
        told = str(error) or type(error).__name__
        return ServerError(
            f"{self.url} cannot be reached ({told}): check the address and that `mnemon serve` "
            "runs; a write may have been made"
        )

    def _address(self, call: str) -> str:
        return f"{self.url}/v1/{call}"

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        found = dict(more)
        if self._api_key is not None:
            found["Authorization"] = f"Bearer {self._api_key}"
        if self._actor is not None:
            found["Mnemon-Actor"] = quote(self._actor)
        return found


def _soon_let_in(error: BaseException) -> bool:
    return isinstance(error, RateLimited) and error.retry_after <= _LONGEST_RATE_WAIT_S


def _json(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(plain(body)).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"this cannot be sent as JSON: {error}") from error


def _params(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest
