"""What speaking to an OpenAI-compatible endpoint takes, whatever is asked of it."""

from __future__ import annotations

import os

from mnemon.errors import MnemonError

OPENAI = "https://api.openai.com/v1"


def key(given: str | None, base_url: str, variable: str, error: type[MnemonError]) -> str:
    """The API key that was given, or that of an environment variable; a local server needs none.

    Args:
        error: what is raised if there is none for OpenAI itself.
    """
    found = given or os.environ.get(variable)
    if not found and base_url == OPENAI:
        raise error(
            f"no key for {base_url}: set the environment variable {variable}, or pass api_key="
        )
    return found or "none"  # the library refuses an empty one, also for servers that need none
