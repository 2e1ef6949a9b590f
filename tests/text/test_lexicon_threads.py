"""There is one lexicon in a process, whoever asks first."""

from __future__ import annotations

import threading
import time
from functools import cache

import pytest

from mnemon.models.embed.static import StaticEmbedder
from mnemon.text import lexicon as module
from mnemon.text.lexicon import Lexicon, lexicon


def test_threads_that_ask_first_at_the_same_moment_get_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @cache
    def made() -> Lexicon:
        time.sleep(0.05)  # long enough for all to ask
        return Lexicon(StaticEmbedder())

    monkeypatch.setattr(module, "_made", made)
    found: list[Lexicon] = []
    threads = [threading.Thread(target=lambda: found.append(lexicon())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len({id(one) for one in found}) == 1
