"""What a server is told: options that are wrong, processes, a network, and the proxy."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, MissingExtra
from mnemon.server import serving
from mnemon.server.oauth import OAuth
from mnemon.server.settings import Settings

GOOD = {"issuer": "https://login.example", "public_url": "https://memory.example"}


@pytest.mark.parametrize(
    ("told", "advice"),
    [({"issuer": "login.example"}, "https://login.example/realms/acme"),
     ({"issuer": "http://login.example"}, "http only on this machine"),
     ({"issuer": "https://login.example?x=1"}, "as `iss`"),
     ({"issuer": "https://me:secret@login.example"}, "as `iss`"),
     ({"issuer": "https://login.example:port"}, "as `iss`"),
     ({"public_url": None}, "needs --public-url"),
     ({"public_url": "memory.example"}, "scheme and host"),
     ({"public_url": "https://memory.example/mcp"}, "scheme and host"),
     ({"public_url": 'https://memory.example"x'}, "scheme and host"),
     ({"public_url": None, "audience": "api://memory"}, "add --public-url"),
     ({"namespaces": ()}, "--oauth-namespace 'people/{sub}'"),
     ({"namespaces": ("people/x{sub}",)}, "a word or one claim"),
     ({"role": "owner"}, "reader, writer, editor, admin"),
     ({"rate": "often"}, "50/s")],
)  # fmt: skip
def test_an_option_that_cannot_be_used_is_told_with_what_to_write(path, told, advice):
    oauth = OAuth(**{"namespaces": ("{sub}",), **GOOD, **told})
    with pytest.raises(InvalidInput, match=advice.replace("{", r"\{")):
        serving.check(Settings(path, oauth=oauth))


@pytest.mark.parametrize(
    ("told", "origin", "audiences"),
    [({}, "https://memory.example", 3),
     ({"public_url": "https://Memory.Example/"}, "https://memory.example", 3),
     ({"audience": "api://memory"}, "https://memory.example", 1),
     ({"public_url": None, "audience": "https://m.example:8443/mcp"}, "https://m.example:8443", 1)],
)  # fmt: skip
def test_where_clients_reach_it_and_what_tokens_are_for(told, origin, audiences):
    oauth = OAuth(**{"namespaces": ("{sub}",), **GOOD, **told})
    oauth.check()
    assert oauth.origin == origin and len(oauth.audiences) == audiences


@pytest.mark.parametrize(
    "option", [("--oauth-namespace", "{sub}"), ("--oauth-role", "reader"), ("--oauth-rate", "1/s"),
               ("--oauth-audience", "x"), ("--public-url", "https://memory.example")],
)  # fmt: skip
def test_an_option_without_an_issuer_is_refused(path, option):
    done = CliRunner().invoke(mnemon, ["--store", str(path), "serve", *option])
    assert done.exit_code == 2 and f"{option[0]} needs --oauth-issuer" in done.output


def options(issuer):
    return ("--oauth-issuer", issuer.url, "--public-url", "https://memory.example",
            "--oauth-namespace", "people/{sub}")  # fmt: skip


@pytest.mark.parametrize("workers", ["1", "2"])
def test_processes_serve_a_network_without_any_key(process, issuer, ask, workers):
    child, url = process("--host", "0.0.0.0", "--workers", workers, *options(issuer))
    url = url.replace("0.0.0.0", "127.0.0.1")
    token = issuer.token("ana")
    for n in range(8):
        assert ask(url, "/v1/add", token, content=f"number {n}").status_code == 200
        assert ask(url, "/v1/add", None, content="x").status_code == 401
    assert ask(url, "/v1/count", token).json() == {"count": 8}
    child.terminate()
    _, logged = child.communicate(timeout=20)
    assert child.returncode == 0 and "people" not in logged and token not in logged


def test_this_machine_has_to_show_a_token_too(opened, ask):
    assert ask(opened(), "/v1/count", None).status_code == 401


def test_a_server_without_the_extra_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(MissingExtra, match=r"mnemon\[oauth\]"):
        serving.server(Settings(path, oauth=OAuth(namespaces=("{sub}",), **GOOD)))
