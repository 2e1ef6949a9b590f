"""Sending in the caller's thread."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from mnemon import portable
from mnemon.client.connection import PIECE, Connection, Lines, Request, Steps


class Blocking(Connection):
    """One server, used by any number of threads."""

    def _opened(self, **options: Any) -> Any:
        return self._http.Client(**options)

    def close(self) -> None:
        self._client.close()

    def carry(self, steps: Steps[Any]) -> Any:
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as ended:
                return ended.value
            answer = self._ask(request)

    def _ask(self, request: Request) -> Any:
        self._check_open()
        options = self._options(request)

        def send() -> Any:
            if request.file is not None:
                options["content"] = _pieces(request, request.file)
            return self._checked(self._client.request(**options))

        try:
            answer = self._tenacity.Retrying(**self._policy(request.repeatable))(send)
        except self._http.TransportError as error:
            self._unreachable(error, request.repeatable)
        return self._value(request.kind, answer)

    def lines(self, call: str, query: Mapping[str, Any]) -> Generator[bytes]:
        self._check_open()
        options = self._options(Request("GET", call, None, query=query))
        lines = Lines()
        try:
            with self._client.stream(**options) as answer:
                if not answer.is_success:
                    answer.read()
                self._checked(answer)
                for piece in answer.iter_bytes():
                    yield from lines.feed(piece)
                yield from lines.end()
        except self._http.TransportError as error:
            self._unreachable(error, repeatable=True)

    def save(self, path: Path, call: str, query: Mapping[str, Any]) -> dict[str, int]:
        return portable.write(path, self.lines(call, query))


def _pieces(request: Request, file: Path) -> Iterator[bytes]:
    total = file.stat().st_size
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece
            if request.progress is not None:
                request.progress(opened.tell(), total)
