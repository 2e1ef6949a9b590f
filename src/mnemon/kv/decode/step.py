"""One decoding step of a Llama-shaped model over stored keys and values.

On an accelerator the whole step is captured once as a graph and replayed for every token: where
the token stands and how long the tail is are numbers on the device. Elsewhere the same step runs in
plain torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mnemon.errors import InvalidInput
from mnemon.kv.decode.ahead import Ahead
from mnemon.kv.decode.attention import Rows, attend, refuse_shape
from mnemon.kv.decode.chunks import Parts, cut
from mnemon.kv.decode.ends import Place, begin, end
from mnemon.kv.decode.gemv import gated, linear, project_qkv
from mnemon.kv.decode.merge import merge
from mnemon.kv.decode.rope import Rotation
from mnemon.kv.decode.rows import Tail
from mnemon.kv.decode.weights import read_weights
from mnemon.models.extras import require

if TYPE_CHECKING:
    from mnemon.kv.decode.handing import Origin

# Tokens that a chunk on an accelerator is a multiple of: the kernels' tile.
MULTIPLE = 64


class GraphStep:
    """Decodes token after token; the tail takes the keys and values of each.

    `model` is a transformers `...ForCausalLM` of the Llama, Mistral, Qwen2 or Qwen3 family, `rows`
    what each layer stores (one segment, or several), `position` the position of the first token
    that will be decoded (one number, or int64 [B]). The tail has room for `tail` tokens; `tails`,
    one for each layer with one `length` in common, continues from recent tokens that are there.
    `origin` is the cache that this is of, which `hand_back` gives the new tokens to.

    Raises `InvalidInput` for a model or a storage that the step cannot do.
    """

    def __init__(
        self,
        model: Any,
        rows: Sequence[Rows | Sequence[Rows]],
        *,
        position: int | Tensor,
        tail: int = 128,
        tails: Sequence[Tail] | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.weights = read_weights(model)
        self.origin = origin
        self.rows = tuple(tuple(one) if isinstance(one, Sequence) else (one,) for one in rows)
        self._refuse()
        weights = self.weights
        self.device, self.dtype = weights.embedding.device, weights.embedding.dtype
        self.batch = (len(self.rows[0][0].starts) - 1) // weights.key_heads
        self.tails = tuple(tails) if tails is not None else self._empty_tails(tail)
        self.room = self.tails[0].keys.shape[2]
        zeros = torch.zeros(self.batch, self.room + 1, dtype=torch.int64, device=self.device)
        self.place = Place(
            zeros[:, 0].clone(), zeros[:, 0] + position, self.tails[0].length, zeros[:, 1:].clone()
        )  # fmt: skip
        self.parts = self._cut()
        self._ahead = Ahead(self.rows, self.device)
        self._make_buffers()
        self.filled = int(self.place.length)
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, token: Tensor) -> Tensor:
        """Feeds `token` int64 [B]; returns the logits float32 [B, V] of the next one.

        The next step overwrites them. Raises `InvalidInput` when the tail is full.
        """
        self.place.token.copy_(token)
        self.advance()
        return self.logits

    @property
    def nbytes(self) -> int:
        """Bytes of weights and of stored keys and values that one step reads."""
        return self.weights.nbytes + sum(one.nbytes for rows in self.rows for one in rows)

    def advance(self) -> None:
        """Feeds `place.token`, which is then the likeliest next one."""
        if self.filled >= self.room:
            raise InvalidInput(
                f"the tail has room for {self.room} tokens and is full: store its tokens and build "
                "a new step, or build it with a larger `tail`"
            )
        if self.device.type == "cuda":
            if self._graph is None:
                with torch.cuda.device(self.device):
                    self._graph = self._capture()
            self._graph.replay()
        else:
            self._run()
        self.filled += 1

    def _run(self) -> None:
        self._ahead.begin()
        begin(self.weights.embedding, self.place, self.rotation, self.hidden)
        for index in range(len(self.rows)):
            self._layer(index)
        linear(self.hidden, self.weights.head, self.logits, norm=self.weights.norm)
        end(self.logits, self.place)

    def _layer(self, index: int) -> None:
        layer, tail, parts = self.weights.layers[index], self.tails[index], self.parts[index]
        hidden, context = self.hidden, self.context
        project_qkv(
            hidden, layer.qkv, self.queries, tail, self.rotation, norm=layer.attention_norm,
            bias=layer.qkv_bias, head_norms=layer.head_norms,
        )  # fmt: skip
        slots = slice(parts.slots)
        out, lse = self.out[slots], self.lse[slots]
        scale = self.weights.head_size**-0.5
        self._ahead.ready(index)
        attend(self.queries, self.rows[index], tail, parts, scale, out, lse)
        self._ahead.done(index)
        merge(out, lse, parts, context)
        linear(
            context.flatten(1), layer.output, hidden, bias=layer.output_bias, residual=hidden
        )  # fmt: skip
        gated(hidden, layer.gate_up, self.inner, norm=layer.mlp_norm)
        linear(self.inner, layer.down, hidden, residual=hidden)

    def _capture(self) -> torch.cuda.CUDAGraph:
        """Runs once, so that kernels are compiled, puts back what that moved, and captures."""
        state = (self.place.token, self.place.position, self.place.length, self.place.made)
        before = [one.clone() for one in state]
        stream = torch.cuda.Stream(self.device)
        stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(stream):
            self._run()
        torch.cuda.current_stream(self.device).wait_stream(stream)
        for now, then in zip(state, before, strict=True):
            now.copy_(then)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._run()
        return graph

    def _refuse(self) -> None:
        weights = self.weights
        if len(self.rows) != len(weights.layers):
            raise InvalidInput(
                f"{len(self.rows)} layers are stored and the model has {len(weights.layers)}: "
                "give the rows of every layer, in order"
            )
        sizes = {len(one.starts) - 1 for rows in self.rows for one in rows}
        if len(sizes) != 1 or max(sizes) % weights.key_heads:
            raise InvalidInput(
                f"the layers store {sorted(sizes)} rows and must all store as many: one for each "
                f"of the {weights.key_heads} key-value heads of every sequence"
            )
        if weights.embedding.is_cuda:
            require("triton", "triton", "kv")
            for rows in self.rows:
                for one in rows:
                    refuse_shape(one, weights.head_size, weights.query_heads // weights.key_heads)

    def _empty_tails(self, room: int) -> tuple[Tail, ...]:
        length = torch.zeros(1, dtype=torch.int32, device=self.device)
        shape = (2, self.batch, self.weights.key_heads, room, self.weights.head_size)
        made = [torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in self.rows]
        return tuple(Tail(both[0], both[1], length) for both in made)

    def _cut(self) -> tuple[Parts, ...]:
        """Parts of every layer; layers that store alike share the tables."""
        made: dict[tuple[tuple[int, ...], ...], Parts] = {}
        parts = []
        for rows in self.rows:
            programs = [self._programs(one) for one in rows]
            bounds = [tuple(one.starts.tolist()) for one in rows]
            key = (tuple(programs), *bounds)
            if key not in made:
                starts = [one.starts for one in rows]
                made[key] = cut(starts, self.room, programs, MULTIPLE)
            parts.append(made[key])
        return tuple(parts)

    def _programs(self, rows: Rows) -> int:
        if self.device.type != "cuda":
            return 1
        from mnemon.kv.decode.kernels.launch import programs

        return programs(rows, self.device)

    def _make_buffers(self) -> None:
        weights, batch = self.weights, self.batch
        group = weights.query_heads // weights.key_heads
        slots = max(parts.slots for parts in self.parts)

        def room(*shape: int, dtype: torch.dtype = self.dtype) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=self.device)

        self.hidden = room(batch, weights.embedding.shape[1])
        self.queries = room(batch, weights.query_heads, weights.head_size)
        self.context = torch.zeros_like(self.queries)
        self.inner = room(batch, weights.layers[0].down.shape[1])
        self.logits = room(batch, len(weights.head), dtype=torch.float32)
        self.out = room(slots, group, weights.head_size, dtype=torch.float32)
        self.lse = room(slots, group, dtype=torch.float32)
        half = (batch, weights.head_size // 2)
        self.rotation = Rotation(
            room(*half, dtype=torch.float32), room(*half, dtype=torch.float32),
            weights.frequencies, weights.scaling,
        )  # fmt: skip
