"""Hierarchical k-means of unit vectors: a tree of centroids, all nodes with as many children."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDS = 20


def fitted(vectors: Tensor, clusters: int, levels: int, seed: int) -> list[Tensor]:
    """The centroids of each level `[clusters ** level, clusters, E]` (level 0 first) of unit
    vectors `[N, E]`; children that nothing fell to are zero, and no text goes there."""
    draw = torch.Generator().manual_seed(seed)
    node, found = torch.zeros(len(vectors), dtype=torch.long), []
    for level in range(levels):
        centroids = torch.zeros(clusters**level, clusters, vectors.shape[1])
        child = torch.zeros_like(node)
        for parent in range(clusters**level):
            members = (node == parent).nonzero()[:, 0]
            if len(members):
                centroids[parent], child[members] = _clustered(vectors[members], clusters, draw)
        node = node * clusters + child
        found.append(centroids)
    return found


def path(vectors: Tensor, centroids: list[Tensor]) -> Tensor:
    """The node of each level `[B, levels]` that unit vectors `[B, E]` go to, from the root."""
    node, found = torch.zeros(len(vectors), dtype=torch.long, device=vectors.device), []
    for level in centroids:
        children = level[node]  # [B, clusters, E]
        near = (children @ vectors[..., None])[..., 0]
        near = near.masked_fill((children == 0).all(-1), -torch.inf)
        node = node * level.shape[1] + near.argmax(-1)
        found.append(node)
    return torch.stack(found, 1)


def _clustered(vectors: Tensor, count: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Centroids `[count, E]` and which of them each vector is nearest to."""
    centres = _apart(vectors, count, draw)
    for _ in range(_ROUNDS):
        nearest = (vectors @ centres.T).argmax(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, vectors)
        moved = torch.nn.functional.normalize(sums, dim=1)
        if torch.equal(moved, centres):
            break
        centres = torch.where((sums == 0).all(1, keepdim=True), centres, moved)
    nearest = (vectors @ centres.T).argmax(1)
    full = torch.zeros(count, vectors.shape[1])
    used = nearest.unique()
    full[used] = centres[used]
    return full, nearest


def _apart(vectors: Tensor, count: int, draw: torch.Generator) -> Tensor:
    """k-means++: each next start is drawn by its squared distance to those before it."""
    first = int(torch.randint(len(vectors), (1,), generator=draw))
    chosen = [first]
    while len(chosen) < min(count, len(vectors)):
        far = (1 - (vectors @ vectors[chosen].T).amax(1)).clamp_min(0)
        if not float(far.sum()):
            break
        chosen.append(int(torch.multinomial(far, 1, generator=draw)))
    return vectors[chosen].clone()
