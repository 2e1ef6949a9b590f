"""What a server is told: one dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from mnemon.store.address import beside


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to serve what, and how much of it. `store` is a file or a database's URL.

    `max_body` and `max_upload` are bytes of a request and of an import, `max_depth` counts lists
    and objects inside each other, `timeout` is seconds for a request and for the next piece of an
    upload, `threads` is how many requests work at once.
    """

    store: Path | str
    host: str = "127.0.0.1"
    port: int = 8077
    max_body: int = 16 * 2**20
    max_upload: int = 4 * 2**30
    max_depth: int = 128
    timeout: float = 60.0
    threads: int = 16

    @property
    def place(self) -> Path:
        """What files beside the store are named after."""
        return beside(str(self.store))

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address stays on this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
