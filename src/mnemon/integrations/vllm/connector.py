"""`MnemonConnector`: vLLM's prefixes kept in Mnemon's tiers.

Written against `KVConnectorBase_V1` of vLLM, base.py at commit 003df29 and sched/output.py at
00e8f1f of github.com/vllm-project/vllm (the abstract methods are those of 0.15's published API).
It has never been run inside vLLM: docs/integrations/vllm.md says what was tested.

Loading and saving are done whole, before and after a step's passes (`start_load_kv`,
`wait_for_save`), never inside a layer: CUDA graphs need not be split for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vllm.distributed.kv_transfer.kv_connector.v1.base import KVConnectorBase_V1, KVConnectorRole
from vllm.distributed.parallel_state import get_tensor_model_parallel_rank

from mnemon.errors import InvalidInput
from mnemon.integrations.vllm.options import Options
from mnemon.integrations.vllm.scheduling import Scheduling
from mnemon.integrations.vllm.serving import roots
from mnemon.integrations.vllm.transfers import Transfers
from mnemon.integrations.vllm.truth import ledger
from mnemon.integrations.vllm.working import Working
from mnemon.kv.tiers import CostModel, Tiers

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MnemonConnector"]


class MnemonConnector(KVConnectorBase_V1):  # type: ignore[misc]
    """Keeps whole blocks of what vLLM computes, and loads them for later prompts.

    Args:
        vllm_config: its `kv_connector_extra_config` are the `Options`.

    Raises:
        InvalidInput: what is served cannot be kept, or there is no place for it.
        UnknownName: an option that there is not.
    """

    def __init__(self, vllm_config: Any, role: Any, kv_cache_config: Any = None) -> None:
        super().__init__(vllm_config, role, kv_cache_config)
        options = Options.read(vllm_config.kv_transfer_config.kv_connector_extra_config)
        groups = getattr(kv_cache_config, "kv_cache_groups", None)
        if groups is not None and len(groups) != 1:
            raise InvalidInput(
                f"MnemonConnector keeps models whose layers all have full attention; this one has"
                f" {len(groups)} groups of layers"
            )
        self._scheduling: Scheduling | None = None
        self._working: Working | None = None
        block = vllm_config.cache_config.block_size
        name = vllm_config.model_config.model
        if role == KVConnectorRole.SCHEDULER:
            begins = roots(vllm_config, options)
            tiers = _tiers(options, host=0, skips=options.skips)
            self._scheduling = Scheduling(
                tiers, ledger(options, tiers), begins, options.size, block
            )
        else:
            rank = get_tensor_model_parallel_rank()
            tiers = _tiers(options, host=options.host, skips=False)  # the scheduler has decided
            self._working = Working(tiers, ledger(options, tiers), rank, block, name)

    # what the scheduler calls

    def get_num_new_matched_tokens(
        self, request: Any, num_computed_tokens: int
    ) -> tuple[int | None, bool]:
        """How many tokens after the computed ones can be loaded; None while it is looked up."""
        return self._of_scheduler.matched(request, num_computed_tokens), False

    def update_state_after_alloc(self, request: Any, blocks: Any, num_external_tokens: int) -> None:
        """Follow the request from now on."""
        self._of_scheduler.allocated(request, num_external_tokens)

    def build_connector_meta(self, scheduler_output: Any) -> Transfers:
        """What the workers load and save in this step."""
        return self._of_scheduler.transfers(scheduler_output)

    def request_finished(
        self, request: Any, block_ids: list[int]
    ) -> tuple[bool, dict[str, Any] | None]:
        """Its blocks may be freed at once: what is kept was copied after the step."""
        self._of_scheduler.finished(request.request_id)
        return False, None

    # what a worker calls

    def register_kv_caches(self, kv_caches: Mapping[str, Tensor]) -> None:
        """Take note of the pages of every layer."""
        self._of_worker.register(kv_caches)

    def start_load_kv(self, forward_context: Any, **kwargs: Any) -> None:
        """Load everything that this step's requests continue."""
        self._of_worker.load(self._get_connector_metadata())

    def wait_for_layer_load(self, layer_name: str) -> None:
        """Nothing to wait for."""

    def save_kv_layer(
        self, layer_name: str, kv_layer: Tensor, attn_metadata: Any, **kwargs: Any
    ) -> None:
        """Nothing yet: blocks are kept when all layers are done."""

    def wait_for_save(self) -> None:
        """Copy the blocks out that this step made whole, before their pages are used again."""
        self._of_worker.save(self._get_connector_metadata())

    def get_finished(self, finished_req_ids: set[str]) -> tuple[set[str] | None, set[str] | None]:
        """Nothing goes on between steps."""
        return None, None

    def get_block_ids_with_load_errors(self) -> set[int]:
        """vLLM's blocks that could not be loaded in this step."""
        return self._of_worker.failed()

    def shutdown(self) -> None:
        """Write what is still to be written, and let go of the places."""
        if self._scheduling is not None:
            self._scheduling.close()
        if self._working is not None:
            self._working.tiers.flush()
            self._working.tiers.close()

    @property
    def requires_kv_delivery(self) -> bool:
        """No: a block that was not kept is computed again."""
        return False

    @property
    def _of_scheduler(self) -> Scheduling:
        assert self._scheduling is not None, "called in a worker"
        return self._scheduling

    @property
    def _of_worker(self) -> Working:
        assert self._working is not None, "called in the scheduler"
        return self._working


def _tiers(options: Options, host: int | str, skips: bool) -> Tiers:
    return Tiers(
        costs=CostModel(skips=skips),
        host=host,
        disk=options.disk,
        disk_bytes=options.disk_bytes,
        remote=options.remote,
        remote_bytes=options.remote_bytes,
    )
