"""What `kv_connector_extra_config` may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mnemon.errors import InvalidInput, UnknownName


@dataclass(frozen=True)
class Options:
    """The connector's settings.

    Attributes:
        disk: a folder, on every machine that serves the model. disk_bytes: what it may hold.
        remote: an fsspec URL or redis://. remote_bytes: what it may hold.
        host: memory that each worker keeps blocks in.
        size: tokens of a block; a multiple of vLLM's own block size.
        salt: whose blocks they are: two salts never share one. None: the tenant of `namespace` if
            there is a `memory`, else nobody's in particular.
        skips: whether a block is computed if loading it takes longer, as measured.
        weights: what names the model's weights, if they shall not be read for it.
        memory: the store whose ledger decides which blocks may still be used. namespace: in it.
    """

    disk: str | None = None
    disk_bytes: int | str = "20GB"
    remote: str | None = None
    remote_bytes: int | str | None = None
    host: int | str = "1GB"
    size: int = 128
    salt: str | None = None
    skips: bool = True
    weights: str | None = None
    memory: str | None = None
    namespace: str = "default"

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Options:
        """The options that a configuration tells.

        Raises:
            UnknownName: it tells one that there is not.
            InvalidInput: it names no place for the blocks.
        """
        known = [one.name for one in fields(cls)]
        for name in told:
            if name not in known:
                raise UnknownName(
                    f"kv_connector_extra_config has {name!r}: it may have {', '.join(known)}"
                )
        options = cls(**told)
        if options.disk is None and options.remote is None:
            raise InvalidInput(
                "MnemonConnector has no place for its blocks: give kv_connector_extra_config a"
                " 'disk' (a folder) or a 'remote' (a URL)"
            )
        return options
