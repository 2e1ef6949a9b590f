"""The retriever: a search whose hits are nodes."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import to_thread
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from mnemon.cube import Hit
from mnemon.memory import Memory

_UNSEEN = ["version", "namespace", "kind", "session"]  # by a model: it reads who and when


class MnemonRetriever(BaseRetriever):
    """Finds what a memory holds on a question; the async calls run in a thread.

    Args:
        memory: a `Memory`, of a file or a server.
        k: at most so many nodes, best first.
        namespace: the memory's own if None.
        kind, session: only such cubes.
        min_score: leave out hits scored lower; scores lie in [0, 1].
    """

    def __init__(
        self,
        memory: Memory,
        k: int = 10,
        *,
        namespace: str | None = None,
        kind: str | Sequence[str] | None = None,
        session: str | None = None,
        min_score: float = 0.0,
    ) -> None:
        self._memory, self._k = memory, k
        self._namespace, self._kind, self._session = namespace, kind, session
        self._min_score = min_score
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._memory.search(
            query_bundle.query_str, self._k, namespace=self._namespace, kind=self._kind,
            session=self._session, min_score=self._min_score,
        )  # fmt: skip
        return [node(hit) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await to_thread.run_sync(self._retrieve, query_bundle)


def node(hit: Hit) -> NodeWithScore:
    """A hit as a node: the cube's id and text, its header as metadata."""
    cube = hit.cube
    header = {
        "version": cube.version, "namespace": cube.namespace, "kind": cube.kind,
        "speaker": cube.speaker, "session": cube.session, "at": cube.valid_from.isoformat(),
    }  # fmt: skip
    found = TextNode(
        id_=cube.id, text=cube.content, metadata=header, excluded_llm_metadata_keys=_UNSEEN
    )
    return NodeWithScore(node=found, score=hit.score)
