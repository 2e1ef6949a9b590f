"""What is said to a server and what it answers, without sending anything (sans-IO).

A call is described once, as a `Request` or as steps that go on from one answer to the next. Who
sends is another matter: `Blocking` does it in the caller's thread, `Concurrent` in an event loop.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar
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

T = TypeVar("T")
C = TypeVar("C", bound="Connection")

PIECE = 1 << 18
"""Bytes of a file that are read and sent at once."""

_ATTEMPTS = 4
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 2.0
_LONGEST_RATE_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request, with a body of JSON or a file that is sent piece by piece.

    `kind` is the type of the answer's value; `repeatable` says that asking twice is as good as
    once; `wait` is how many seconds the server may take beyond the usual, None as long as it likes;
    `progress` is told how many bytes of the file were sent, and how many there are.
    """

    method: str
    call: str
    kind: Any
    body: Mapping[str, Any] | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    wait: float | None = 0.0
    file: Path | None = None
    progress: Callable[[int, int], None] | None = None


Steps = Generator[Request, Any, T]
"""A call of several requests: yields one, is sent its answer, returns the call's result."""


class Connection(ABC):
    """What both ways of sending share: addresses, headers, what to repeat, what answers mean.

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
        self._client = self._opened(
            timeout=timeout,
            headers={"User-Agent": f"mnemon/{__version__}"},
            verify=not self.url.startswith("http://"),  # certificates take 60 ms to load
        )

    @abstractmethod
    def _opened(self, **options: Any) -> Any:
        """The HTTP client."""

    def acting(self, actor: str) -> Connection:
        """The same connection for another actor."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _actor=actor)
        return other

    def like(self, kind: type[C]) -> C:
        """Another one to the same server, for the same actor, that sends in another way.

        Raises:
            StoreClosed: this one was closed.
        """
        self._check_open()
        return kind(self.url, self._api_key, self._actor, self._timeout)

    # What senders implement. Each gives a value, or an awaitable of it.

    @abstractmethod
    def carry(self, steps: Steps[Any]) -> Any:
        """The result of a call.

        Raises:
            ServerError: the server cannot be reached or is no Mnemon; else what it raised itself.
        """

    @abstractmethod
    def lines(self, call: str, query: Mapping[str, Any]) -> Any:
        """The lines of an answer, as they come."""

    @abstractmethod
    def save(self, path: Path, call: str, query: Mapping[str, Any]) -> Any:
        """The lines of an answer as a portable file; counts of what is in it."""

    @abstractmethod
    def close(self) -> Any:
        """Let go of the server. Closing twice is no error."""

    # What they share.

    def _options(self, request: Request) -> dict[str, Any]:
        """A request as the HTTP client takes it."""
        headers = dict(request.headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        elif request.file is not None:
            headers["Content-Type"] = "application/octet-stream"
        return {
            "method": request.method,
            "url": self._address(request.call),
            "content": None if request.body is None else _json(request.body),
            "params": _params(request.query),
            "headers": self._headers(headers),
            "timeout": self._patience(request.wait),
        }

    def _patience(self, more: float | None) -> Any:
        # However many calls wait for a connection to be free, none fails for that.
        return self._http.Timeout(None if more is None else self._timeout + more, pool=None)

    def _policy(self, repeatable: bool) -> dict[str, Any]:
        """How tenacity repeats a request."""
        never_sent = (self._http.ConnectError, self._http.ConnectTimeout)
        worth = (self._http.TransportError, StoreBusy, SpaceMoved) if repeatable else never_sent
        growing = self._tenacity.wait_random_exponential(
            multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S
        )

        def wait(state: Any) -> float:
            error = state.outcome.exception()
            told = error.retry_after if isinstance(error, RateLimited) else 0.0
            return float(told + growing(state))

        return {
            "retry": self._tenacity.retry_if_exception_type(worth)
            | self._tenacity.retry_if_exception(_soon_let_in),
            "stop": self._tenacity.stop_after_attempt(_ATTEMPTS),
            "wait": wait,
            "reraise": True,
        }

    def _check_open(self) -> None:
        if self._client.is_closed:
            raise StoreClosed("this memory was closed: open it again with Memory(url)")

    def _checked(self, answer: Any) -> Any:
        """An answer of success; raises what any other tells of."""
        if answer.is_success:
            return answer
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, dict) or "status" not in told:
            raise self._strange(f"status {answer.status_code} and no problem document")
        raise problems.error_of(told)

    def _value(self, kind: Any, answer: Any) -> Any:
        """What an answer says, as a value of a type."""
        if answer.status_code == 204:
            return None
        try:
            return revive(kind, answer.json())
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise self._strange(f"an answer that is none of Mnemon's ({error})") from error

    def _strange(self, what: str) -> ServerError:
        return ServerError(f"{self.url} gave {what}: check that a Mnemon server is there")

    def _unreachable(self, error: Exception, repeatable: bool) -> NoReturn:
        told = str(error) or type(error).__name__
        sent = not isinstance(error, self._http.ConnectError | self._http.ConnectTimeout)
        made = "; a write may have been made" if sent and not repeatable else ""
        raise ServerError(
            f"{self.url} cannot be reached ({told}): check the address and that `mnemon serve` "
            f"runs{made}"
        ) from error

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


def one(request: Request, then: Callable[[Any], T] | None = None) -> Steps[T]:
    """The steps of a call of one request, whose answer `then` makes into the result."""
    answer = yield request
    return answer if then is None else then(answer)


class Lines:
    """Bytes as they come → whole lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that end in a piece."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        return [line + b"\n" for line in whole]

    def end(self) -> list[bytes]:
        """What was left without an end."""
        return [self._rest] if self._rest else []


def _json(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(plain(body)).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"this cannot be sent as JSON: {error}") from error


def _params(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
