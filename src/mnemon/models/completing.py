"""Completing: one answer of a chat model behind any OpenAI-compatible endpoint.

`POST {base_url}/chat/completions` by the `openai` library (extra `openai`). The prompt leaves this
machine for the endpoint.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Any

from mnemon.errors import InvalidInput, UpstreamFailed
from mnemon.models.endpoint import OPENAI, key
from mnemon.models.extras import require


@dataclass(frozen=True)
class ChatModel:
    """Called with a prompt, it gives the answer's text.

    Attributes:
        model: as the endpoint names it.
        base_url: up to and including `/v1`.
        api_key: kept out of what is printed; without it `api_key_env` is read. A local server may
            need none.
        timeout: seconds for one request. max_retries: after the first try.
    """

    model: str
    base_url: str = OPENAI
    api_key: InitVar[str | None] = None
    api_key_env: str = "OPENAI_API_KEY"
    timeout: float = 60.0
    max_retries: int = 2

    def __post_init__(self, api_key: str | None) -> None:
        object.__setattr__(self, "_api_key", api_key)

    def __call__(self, prompt: str) -> str:
        """The answer to a prompt, at temperature 0.

        Raises:
            InvalidInput: no key for OpenAI itself. UpstreamFailed: the endpoint failed, or answered
                without text. MissingExtra: the extra `[openai]` is not installed.
        """
        library = require("openai", "openai", "openai")
        client = library.OpenAI(
            base_url=self.base_url, api_key=self._key, timeout=self.timeout,
            max_retries=self.max_retries,
        )  # fmt: skip
        asked = [{"role": "user", "content": prompt}]
        try:
            with client:
                answer = client.chat.completions.create(
                    model=self.model, messages=asked, temperature=0
                )
        except (library.OpenAIError, ValueError) as error:
            raise UpstreamFailed(f"{self.model!r} at {self.base_url} failed: {error}") from error
        return self._text(answer)

    def _text(self, answer: Any) -> str:
        choices = getattr(answer, "choices", None) or []
        text = choices[0].message.content if choices else None
        if not isinstance(text, str):
            raise UpstreamFailed(f"{self.model!r} at {self.base_url} answered without text")
        return text

    @property
    def _key(self) -> str:
        given = getattr(self, "_api_key", None)
        return key(given, self.base_url, self.api_key_env, InvalidInput)
