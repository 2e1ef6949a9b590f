"""A tree of clusters of texts; each node owns neurons, and a text fetches those on its path.

Texts are clustered by hierarchical k-means over their embeddings; a node owns FFN neurons of every
layer; the blocks on the path from the root to the text's leaf are fetched and stand beside the
decoder's own FFN, with which they are trained. Rare facts then live in blocks that few other texts
change. Pouransari et al. 2025, "Pretraining with hierarchical memories: separating long-tail and
common knowledge", https://arxiv.org/abs/2510.02375 (no official code known). HOW OURS DIFFERS:
texts are embedded by their canonical tokens alone, by latent semantic analysis of the documents
given (TF-IDF and a truncated SVD), where the paper takes a sentence embedder; sizes are for models
of a few million parameters. A text's path is decided when it begins: what is generated does not
change it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnemon.errors import InvalidInput
from mnemon.weights.bank.table import Table
from mnemon.weights.layer import By, Given, Place, Turn
from mnemon.weights.layer import _tree as tree
from mnemon.weights.layer._layers import chosen

__all__ = ["HierarchicalMemories"]

_DOWN = 0.02  # deviation of the first weights of what a neuron gives


@dataclass(frozen=True)
class HierarchicalMemories:
    """Memory blocks on a path of clusters.

    Attributes:
        levels: of the tree, without the root. clusters: children of a node.
        neurons: that a node of each level owns, in each layer.
        embedding: width of the embedding of a text: singular vectors that are kept.
        layer_ids: the layers whose MLP it adds to; all if None.
        seed: of the SVD, of k-means and of the first weights.
    """

    levels: int = 3
    clusters: int = 4
    neurons: tuple[int, ...] = (16, 16, 16)
    embedding: int = 64
    layer_ids: tuple[int, ...] | None = None
    seed: int = 0

    def build(self, given: Given) -> _Bank:
        """A bank with a table a layer and level; a row is a node: its neurons.

        Without documents in `given` it has no tree yet, and can only be loaded.

        Raises:
            InvalidInput: no such layer, or not one number of neurons a level.
        """
        if len(self.neurons) != self.levels or self.clusters < 2 or self.levels < 1:
            raise InvalidInput(
                f"{self.levels} levels of {self.clusters} with {self.neurons} neurons cannot be: "
                "take a level or more, two clusters or more, and neurons for each level"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return _Bank(self, given)


class _Bank(nn.Module):
    place: Place = "mlp"
    by: By = "text"
    balance = ()
    window = 0
    canonical: Tensor
    words: Tensor

    def __init__(self, options: HierarchicalMemories, given: Given) -> None:
        super().__init__()
        self.layers = chosen(options.layer_ids, given.layers)
        self._hidden, self._neurons = given.hidden, options.neurons
        self._embedded(options, given)
        self.tables = nn.ModuleDict()
        for layer in self.layers:
            for level, neurons in enumerate(options.neurons):
                table = Table(options.clusters ** (level + 1), neurons * 3 * given.hidden)
                with torch.no_grad():
                    parts = table.weight.unflatten(1, (3, -1))
                    parts[:, :2] *= given.hidden**-0.5
                    parts[:, 2] *= _DOWN
                self.tables[f"layer{layer}-level{level}"] = table

    def _embedded(self, options: HierarchicalMemories, given: Given) -> None:
        read = torch.arange(given.vocabulary) if given.canonical is None else given.canonical
        self.register_buffer("canonical", read)
        words = torch.zeros(given.vocabulary, options.embedding)
        if given.documents:
            words = _latent(given, read, options.embedding)
        self.register_buffer("words", words)
        shapes = [(options.clusters**level, options.clusters) for level in range(options.levels)]
        levels = [torch.zeros(*shape, options.embedding) for shape in shapes]
        if given.documents:
            vectors = torch.cat([self.embed(torch.tensor([list(one)])) for one in given.documents])
            levels = tree.fitted(vectors, options.clusters, options.levels, options.seed)
        for level, centroids in enumerate(levels):
            self.register_buffer(f"centroids{level}", centroids)

    def embed(self, ids: Tensor) -> Tensor:
        """The embedding of texts `[B, T]`, unit vectors `[B, E]`."""
        return functional.normalize(self.words[self.canonical[ids]].sum(1), dim=-1)

    def address(self, ids: Tensor) -> dict[str, Tensor]:
        centroids = [getattr(self, f"centroids{level}") for level in range(len(self._neurons))]
        if not bool(centroids[0].any()):
            raise InvalidInput("this bank has no tree: build it with documents, or load one")
        path = tree.path(self.embed(ids), centroids)
        return {
            f"layer{layer}-level{level}": path[:, level : level + 1]
            for layer in self.layers for level in range(len(self._neurons))
        }  # fmt: skip

    def added(self, layer: int, hidden: Tensor, turn: Turn) -> Tensor:
        names = [f"layer{layer}-level{level}" for level in range(len(self._neurons))]
        blocks = [
            self.tables[name](turn.rows[name]).reshape(-1, 3, neurons, self._hidden)
            for name, neurons in zip(names, self._neurons, strict=True)
        ]
        gate, up, down = torch.cat(blocks, 2).unbind(1)  # [B, R, D] each
        active = functional.silu(hidden @ gate.transpose(1, 2)) * (hidden @ up.transpose(1, 2))
        return active @ down


def _latent(given: Given, canonical: Tensor, width: int) -> Tensor:
    """What each token adds to the embedding of a text `[V, E]`: words of documents that resemble
    each other point one way. Unseen tokens add nothing."""
    counts = torch.stack([
        torch.bincount(canonical[torch.tensor(list(one))], minlength=given.vocabulary)
        for one in given.documents
    ]).float()  # fmt: skip
    seen = (counts > 0).sum(0)
    rarity = torch.where(seen > 0, (len(counts) / seen.clamp_min(1)).log(), 0.0)
    texts = functional.normalize(counts * rarity, dim=1)
    kept = min(width, *texts.shape)
    _, _, found = torch.svd_lowrank(texts, kept, niter=4)
    return functional.pad(rarity[:, None] * found, (0, width - kept))
