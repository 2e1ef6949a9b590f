"""Chats with access tokens: whose memory, and that none of them goes upstream."""

from __future__ import annotations

import httpx2
from tests.server.oauth.conftest import WRITER, issuer, opened  # noqa: F401 - fixtures

from mnemon.server.keys import beside


def test_the_proxy_takes_tokens_and_passes_none_on(opened, issuer, upstream, path):  # noqa: F811
    url = opened({"upstream": upstream.url})
    key, _ = beside(path).add("cy", ["people/cy"])
    said = {"model": "m", "messages": [{"role": "user", "content": "I live in Lisbon."}]}

    def chat(**headers):
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.post(f"{url}/v1/chat/completions", json=said, headers=told, verify=False)

    own = f"Bearer {issuer.token('ana', WRITER)}"
    assert chat(Authorization=own).status_code == 200
    assert chat(Authorization="Bearer sk-1", Mnemon_Key=issuer.token("ana")).status_code == 200
    assert chat(Authorization=own, Mnemon_Key=key).status_code == 200
    sent = [one.headers.get("authorization") for one in upstream.asked]
    assert sent == [None, "Bearer sk-1", None]
    refused = chat(Authorization=f"Bearer {issuer.token(scope='mnemon:forget')}")
    assert (
        refused.status_code == 403 and "insufficient_scope" in refused.headers["www-authenticate"]
    )
    wrong = chat(Mnemon_Key=issuer.token(exp=1))
    assert wrong.status_code == 401 and "invalid_token" in wrong.headers["www-authenticate"]
