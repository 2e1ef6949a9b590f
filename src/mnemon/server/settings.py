"""What a server is told: one dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.store.address import beside

if TYPE_CHECKING:
    from mnemon.server.oauth import OAuth


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to serve what, and how much of it. `store` is a file or a database's URL, `program` the
    name of one by which it is searched and kept.

    `max_body` and `max_upload` are bytes of a request and of an import, `max_depth` counts lists
    and objects inside each other, `timeout` is seconds for a request and for the next piece of an
    upload, `threads` is how many requests work at once. `audit` is what the audit log holds:
    `writes` (with all that is denied), `reads` too, or `off`. Retention rules are carried out every
    `retention_every` seconds. Every `schedule_every` seconds (0: never) the scheduler works in each
    namespace that has budgets: with `schedule_model`, by name, it compiles and trains too, to the
    place `schedule_to`. Who asks for it over HTTP may compile by the models in the package and by
    those of `compile_models`, to the place `compile_to` (a folder beside the store). `otel` sends
    traces to where the environment says. `upstream` is the address of an OpenAI-compatible API that
    chats are passed on to, `upstream_key_env` the environment variable with its key,
    `upstream_timeout` seconds to wait for its next byte, `recall_budget` tokens that memory may add
    to a chat. `jobs` is how many of them work at once. All of that is in each of `workers`
    processes. When it is told to stop, a server says for `drain` seconds that it is not ready
    before it takes no more. With `oauth` access tokens open it as keys do.
    """

    store: Path | str
    host: str = "127.0.0.1"
    port: int = 8077
    program: str = "default"
    max_body: int = 16 * 2**20
    max_upload: int = 4 * 2**30
    max_depth: int = 128
    timeout: float = 60.0
    threads: int = 16
    audit: str = "writes"
    retention_every: float = 3600.0
    schedule_every: float = 0.0
    schedule_model: str | None = None
    schedule_to: str | None = None
    compile_models: tuple[str, ...] = ()
    compile_to: str | None = None
    otel: bool = False
    upstream: str | None = None
    upstream_key_env: str | None = None
    upstream_timeout: float = 600.0
    recall_budget: int = 1000
    jobs: int = 1
    workers: int = 1
    drain: float = 0.0
    oauth: OAuth | None = None

    @property
    def place(self) -> Path:
        """What files beside the store are named after."""
        return beside(str(self.store))

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host's name or address stays on this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
