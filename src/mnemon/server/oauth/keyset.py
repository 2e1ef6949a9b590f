"""An issuer's keys as they are kept: read again when they grow old, and for one that is unknown,
but never more often than every ten seconds; used on for a day while the issuer is away.

Whoever asks waits only for keys that he cannot do without. One reading serves all who wait.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable

from mnemon.errors import IssuerFailed
from mnemon.server.oauth.signing import SigningKey

log = logging.getLogger("mnemon.server")

AGAIN_S = 10.0
"""Between the beginnings of two readings, whatever tokens say."""

FRESH_S = 300.0
"""After that keys are read again; one that the issuer withdrew opens nothing twice as late."""

KEPT_S = 24 * 3600.0
"""For so long they are used while the issuer cannot be read."""

Read = Callable[[], Awaitable[tuple[SigningKey, ...]]]


class KeySet:
    """The keys that `read` gives; it belongs to one event loop. `clock` gives seconds."""

    def __init__(self, read: Read, clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._keys: tuple[SigningKey, ...] = ()
        self._read_at = self._begun_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._failure: IssuerFailed | None = None

    @property
    def known(self) -> bool:
        """Whether there are keys to check tokens by."""
        return self._age() < KEPT_S

    async def find(self, id: str | None, algorithm: str) -> SigningKey | None:
        """The key for a token's header; a token without a `kid` must leave no choice.

        Raises:
            IssuerFailed: there are no keys, since the issuer could not be read.
        """
        reading = self.refresh() if self._age() >= FRESH_S else None
        if reading is not None and self._age() >= 2 * FRESH_S:
            await asyncio.shield(reading)
        found = self._found(id, algorithm)
        if found is None and (reading := self.refresh()) is not None:
            await asyncio.shield(reading)  # another request may wait for it, too
            found = self._found(id, algorithm)
        if not self.known:
            raise self._failure or IssuerFailed("the issuer's keys have not been read yet")
        return found

    def refresh(self) -> asyncio.Task[None] | None:
        """Begin to read them, unless that was begun a moment ago; what is under way, if anything.
        A failure is logged, and what was known stays."""
        if self._reading is not None:
            return self._reading
        now = self._clock()
        if now - self._begun_at < AGAIN_S:
            return None
        self._begun_at = now
        self._reading = asyncio.create_task(self._anew())
        return self._reading

    async def close(self) -> None:
        """Let a reading that is under way go."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _anew(self) -> None:
        try:
            self._keys, self._failure = await self._read(), None
            self._read_at = self._clock()
        except IssuerFailed as error:
            self._failure = error
            log.warning(json.dumps({"level": "warning", "work": "oauth", "error": str(error)}))
        finally:
            self._reading = None

    def _age(self) -> float:
        return self._clock() - self._read_at

    def _found(self, id: str | None, algorithm: str) -> SigningKey | None:
        if not self.known:
            return None
        fit = [one for one in self._keys if algorithm in one.algorithms]
        named = fit if id is None else [one for one in fit if one.id == id]
        return named[0] if len(named) == 1 or (named and id is not None) else None
