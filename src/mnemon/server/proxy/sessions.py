"""Sessions of conversations that do not say theirs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime

from mnemon.memory import Memory
from mnemon.server.proxy.turns import Conversation, digest

_MOST = 10_000


class Sessions:
    """Which session an answer that is kept upstream belongs to: the latest ones are known here, for
    others the memory is asked, which takes long where there is much of it."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, scope: str, answer: str, session: str) -> None:
        """Remember an answer's session."""
        with self._lock:
            self._known[scope, answer] = session
            self._known.move_to_end((scope, answer))
            if len(self._known) > _MOST:
                self._known.popitem(last=False)

    def of(self, memory: Memory, scope: str, conversation: Conversation, at: datetime) -> str:
        """The session that a conversation goes on upstream, or else one told by who began it, with
        which words, and on which day."""
        if conversation.sure:
            known = self._known.get((scope, conversation.before))
            if known is not None:
                return known
            found = memory.list(
                namespace=scope, metadata={"response": conversation.before}, limit=1
            )
            if found and found[0].session:
                return found[0].session
        elif conversation.before:
            return conversation.before
        beginning = digest(memory.actor, conversation.beginning())
        return f"chat-{at.date().isoformat()}-{beginning[:12]}"
