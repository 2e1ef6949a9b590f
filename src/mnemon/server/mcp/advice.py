"""Errors as a model reads them: what was wrong, and which tool call puts it right."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from mnemon.errors import (
    AccessDenied,
    KeyRefused,
    MnemonError,
    NotFound,
    PurgeIncomplete,
    ServerError,
    StoreBusy,
    StoreError,
    VersionConflict,
)

_NEXT: Mapping[type[MnemonError], str] = {
    NotFound: "search_memory gives the ids of what is there",
    KeyRefused: "tell the user to give `mnemon mcp` a key; do not call again",
    AccessDenied: "tell the user; only they can change its policy, or the key",
    PurgeIncomplete: "no tool can do that; tell the user",
    ServerError: "tell the user if it goes on",
    StoreBusy: "call again in a few seconds",
    StoreError: "tell the user to run `mnemon doctor`; do not call again",
}


def advice(error: MnemonError | OSError) -> str:
    """The message for a failed call."""
    if isinstance(error, VersionConflict):
        return (
            f"memory {error.id} is at version {error.current}, not {error.expected}: it changed "
            "since you read it. Find it again with search_memory, and repeat the update with "
            f"version={error.current} if it still holds"
        )
    step = next((told for kind, told in _NEXT.items() if isinstance(error, kind)), "")
    return f"{error}: {step}" if step else str(error)


def misfit(tool: str, error: ValidationError) -> str:
    """The message for arguments that do not fit a tool's schema."""
    wrong = [
        f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return f"{tool} cannot be called so: {'; '.join(wrong)}. Correct that and call it again"
