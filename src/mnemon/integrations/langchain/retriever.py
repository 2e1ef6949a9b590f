"""The retriever: a search whose hits are documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from mnemon.cube import Hit
from mnemon.memory import Memory


class MnemonRetriever(BaseRetriever):
    """Finds what a memory holds on a question; the async calls run in a thread.

    Args:
        memory: a `Memory`, of a file or a server.
        k: at most so many documents, best first.
        namespace: the memory's own if None.
        kind, speaker, session: only such cubes.
        min_score: leave out hits scored lower; scores lie in [0, 1].
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    memory: Memory
    k: int = 10
    namespace: str | None = None
    kind: str | Sequence[str] | None = None
    speaker: str | None = None
    session: str | None = None
    min_score: float = 0.0

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        hits = self.memory.search(
            query, self.k, namespace=self.namespace, kind=self.kind, speaker=self.speaker,
            session=self.session, min_score=self.min_score,
        )  # fmt: skip
        return [document(hit) for hit in hits]


def document(hit: Hit) -> Document:
    """A hit as a document: the cube's id and text, its header and the score as metadata."""
    cube = hit.cube
    header: dict[str, Any] = {
        "version": cube.version, "namespace": cube.namespace, "kind": cube.kind,
        "speaker": cube.speaker, "session": cube.session, "at": cube.valid_from.isoformat(),
        "score": hit.score, "metadata": dict(cube.metadata),
    }  # fmt: skip
    return Document(id=cube.id, page_content=cube.content, metadata=header)
