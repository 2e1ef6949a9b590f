"""The memory block: for LlamaIndex's own `Memory`, which gives it what leaves the short term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anyio import to_thread
from llama_index.core.bridge.pydantic import ConfigDict, Field
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import BaseMemoryBlock

from mnemon.integrations.llama_index import messages as forms
from mnemon.integrations.recalling import recalled
from mnemon.integrations.transcript import Transcript
from mnemon.memory import Memory

_SESSION = "session_id"  # where LlamaIndex's Memory says which conversation a message is of


class MnemonMemoryBlock(BaseMemoryBlock[str]):
    """Keeps the messages that leave a `Memory`, and recalls on the user's last one.

    Args:
        memory: a `Memory` of Mnemon, of a file or a server.
        namespace: the memory's own if None.
        kind: only such cubes are recalled, for instance `("episode", "fact")`; all if None.
        budget: tokens of the recalled text.
        name, description, priority: LlamaIndex's own.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str = "Mnemon"
    memory: Memory = Field(exclude=True)
    namespace: str | None = None
    kind: str | Sequence[str] | None = None
    budget: int = 500

    async def _aget(self, messages: list[ChatMessage] | None = None, **block_kwargs: Any) -> str:
        shown = messages or []
        query = forms.asked(shown)
        if not query:
            return ""
        return await to_thread.run_sync(
            lambda: recalled(
                self.memory, query, self.budget, [one.content or "" for one in shown],
                namespace=self.namespace, kind=self.kind,
            )
        )  # fmt: skip

    async def _aput(self, messages: list[ChatMessage]) -> None:
        await to_thread.run_sync(self._keep, messages)

    def _keep(self, messages: list[ChatMessage]) -> None:
        sessions: dict[str, list[ChatMessage]] = {}
        for message in messages:
            session = str(message.additional_kwargs.get(_SESSION) or forms.FORM)
            rest = {k: v for k, v in message.additional_kwargs.items() if k != _SESSION}
            bare = message.model_copy(update={"additional_kwargs": rest})
            sessions.setdefault(session, []).append(bare)
        for session, kept in sessions.items():
            transcript = Transcript(self.memory, session, forms.FORM, self.namespace)
            transcript.add([forms.entry(message) for message in kept])
