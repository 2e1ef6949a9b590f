"""What a request's `Mnemon-…` headers ask for."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, Field
from starlette.datastructures import Headers

from mnemon.errors import InvalidInput
from mnemon.methods import nearest

_LONGEST = 255


def _decoded(value: str) -> str:
    told = unquote(value).strip()  # headers are ASCII, names are not
    if not told or "\x00" in told:
        raise ValueError("it is empty, or has a NUL character in it")
    return told


Name = Annotated[str, Field(max_length=_LONGEST), AfterValidator(_decoded)]


class Wishes(BaseModel):
    """Every header that the proxy knows; names in them may be percent-encoded."""

    mnemon_memory: Literal["on", "read", "write", "off"] | None = Field(
        None, description="What memory does for this chat; by default what the key may."
    )
    mnemon_memory_optional: Literal["yes", "no"] = Field(
        "no", description="Whether to go on without memory when recall fails."
    )
    mnemon_namespace: Name | None = Field(None, description="Where; the key's own, or `default`.")
    mnemon_session: Name | None = Field(
        None, description="The conversation; by default told by how it began."
    )
    mnemon_speaker: Name | None = Field(None, description="Who the user is; `user` if not said.")
    mnemon_budget: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        description="Tokens that memory may add; `--budget` if not said.",
    )
    mnemon_min_score: float = Field(
        0.0, ge=0.0, le=1.0, description="Recall only what answers at least this well."
    )
    mnemon_key: str | None = Field(
        None, description="The API key, when `Authorization` is the upstream's."
    )
    mnemon_actor: str | None = Field(None, description="Who acts; only where no keys are used.")


def check_known(headers: Headers) -> None:
    """Raise InvalidInput for a `Mnemon-…` header that nobody knows: a namespace that was misspelt
    would be another's."""
    known = [name.replace("_", "-") for name in Wishes.model_fields]
    for name in headers:
        if name.startswith("mnemon-") and name not in known:
            raise InvalidInput(f"there is no header {name!r}: {nearest(name, known)}")
