"""vLLM: `MnemonConnector`, a KV connector over the tiers; docs/integrations/vllm.md.

vllm serve MODEL --kv-transfer-config '{"kv_connector": "MnemonConnector",
    "kv_connector_module_path": "mnemon.integrations.vllm.connector", "kv_role": "kv_both",
    "kv_connector_extra_config": {"disk": "/var/lib/mnemon-kv"}}'
"""

from mnemon.models.extras import require

require("vllm", "vllm", "vllm")

from mnemon.integrations.vllm.connector import MnemonConnector  # noqa: E402

__all__ = ["MnemonConnector"]
