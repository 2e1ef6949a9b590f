"""Stages: what a call is doing, for whoever watches it: traces and metrics of a server.

Nobody watches unless asked to, and then only in the context (the request, its threads) that was
asked for. A stage has a name and figures, never content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

Figure = str | int | float


@dataclass(slots=True)
class Stage:
    """One stage while it lasts: `search`, `recall`, `search.rank`, `store.write`, …"""

    name: str
    figures: dict[str, Figure] = field(default_factory=dict)

    def tell(self, **figures: Figure) -> None:
        """Counts and names of methods or regimes."""
        self.figures |= figures


Watcher = Callable[[Stage], AbstractContextManager[object]]
"""Entered when a stage begins, left when it ends; the stage has its figures by then."""

_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("mnemon_watchers", default=())


@contextmanager
def stage(name: str) -> Iterator[Stage]:
    """Tell the watchers of this context that a stage begins, and that it ends."""
    told = Stage(name)
    watchers = _watchers.get()
    if not watchers:
        yield told
        return
    with ExitStack() as stack:
        for watcher in watchers:
            stack.enter_context(watcher(told))
        yield told


@contextmanager
def watched(*watchers: Watcher) -> Iterator[None]:
    """Let these watch the stages of this context."""
    token = _watchers.set((*_watchers.get(), *watchers))
    try:
        yield
    finally:
        _watchers.reset(token)
