"""Tree: the blocks of all prompts of one model, each known by its key and the one it continues.

Prompts that begin alike share their first blocks, whoever sent them; where they part, the tree
forks. Nothing is ever written into a block, so sharing one is holding it: no copy, no lock on it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mnemon.kv.reuse.block import Block


@dataclass(eq=False)
class Node:
    """A known block.

    Attributes:
        parent: key of the block it continues; None at the beginning of a prompt.
        block: its keys and values, if they are held here; else some tier may have them.
        users: caches that began with it and are still alive.
    """

    parent: str | None
    block: Block | None = None
    users: int = 0


class Tree:
    """Blocks by key, those held here under a limit of bytes. Safe to use from several threads.

    Over the limit the least recently used go, the end of a chain before its beginning, and none
    that is in use.
    """

    def __init__(self, limit: int) -> None:
        """Make an empty tree.

        Args:
            limit: bytes of blocks that it holds; 0: none, others keep them.
        """
        self.limit = limit
        self.nbytes = 0
        self._nodes: OrderedDict[str, Node] = OrderedDict()  # the longest unused first
        self._children: dict[str, set[str]] = {}  # also of blocks that are not known themselves
        self._lock = threading.RLock()  # a cache may be collected, and let go, in any call

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, key: object) -> bool:
        return key in self._nodes

    def block(self, key: str) -> Block | None:
        """The block, if it is held here."""
        node = self._nodes.get(key)
        return None if node is None else node.block

    def add(self, key: str, parent: str | None, block: Block | None = None) -> None:
        """Know a block, and hold it if the tree holds blocks at all."""
        with self._lock:
            node = self._nodes.setdefault(key, Node(parent))
            if parent is not None:
                self._children.setdefault(parent, set()).add(key)
            if node.block is None and block is not None and self.limit:
                node.block = block
                self.nbytes += block.nbytes

    def use(self, keys: Sequence[str]) -> None:
        """Note that a chain, from its first block on, is in use by one more."""
        with self._lock:
            for key in keys:
                if key in self._nodes:
                    self._nodes[key].users += 1
            self.touch(keys)

    def leave(self, keys: Iterable[str]) -> None:
        """Note that one no longer uses them."""
        with self._lock:
            for key in keys:
                if key in self._nodes:
                    self._nodes[key].users = max(0, self._nodes[key].users - 1)

    def touch(self, keys: Sequence[str]) -> int:
        """Note that a chain was used now, and make room; how many blocks that took."""
        with self._lock:
            for key in reversed(keys):  # its beginning counts as the more recent
                if key in self._nodes:
                    self._nodes.move_to_end(key)
            return self._make_room()

    def users(self, key: str) -> int:
        """How many use it."""
        node = self._nodes.get(key)
        return 0 if node is None else node.users

    def drop(self, keys: Iterable[str]) -> set[str]:
        """No longer know these and all that continue them; the keys of those that were known."""
        with self._lock:
            waiting, seen = list(keys), set[str]()
            while waiting:
                key = waiting.pop()
                if key not in seen:
                    seen.add(key)
                    waiting += self._children.get(key, ())
            gone = seen & self._nodes.keys()
            for key in gone:
                self._remove(key)
            return gone

    def _make_room(self) -> int:
        freed = 0
        if self.nbytes <= self.limit:
            return freed
        for key, node in list(self._nodes.items()):
            if self.nbytes <= self.limit:
                break
            if node.block is not None and not node.users:
                self._remove(key)
                freed += 1
        return freed

    def _remove(self, key: str) -> None:
        node = self._nodes.pop(key)
        if node.block is not None:
            self.nbytes -= node.block.nbytes
        siblings = self._children.get(node.parent or "", set())
        siblings.discard(key)
        if not siblings:
            self._children.pop(node.parent or "", None)
