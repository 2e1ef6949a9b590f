"""Compiling over HTTP: what a caller may have a server compile, and by which model.

A name can be a path on the server, or a download from a hub, so a caller names only what the server
was told; and never a place to write to.
"""

from __future__ import annotations

from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.server import bodies
from mnemon.server.access import Grant
from mnemon.server.settings import Settings
from mnemon.store.address import is_database

BUNDLED = ("recall-lm", "nano")
"""As of `mnemon.models.local.loading`, which is not to be loaded for them; a test compares."""


def allowed(body: bodies.Compile, grant: Grant, settings: Settings) -> tuple[Memory, str]:
    """The memory and the namespace of a job that the caller may ask for.

    Raises:
        AccessDenied: the key may not, or not there.
        NotFound: an id that is not in the namespace.
        InvalidInput: another model, or what no form takes.
    """
    memory, scope = grant.on("admin", body.namespace)
    chosen = body.selection
    ids = [chosen] if isinstance(chosen, str) else chosen if isinstance(chosen, list) else []
    for id in ids:
        memory.history(id, namespace=scope)
    known = (*BUNDLED, *settings.compile_models)
    if body.model not in known:
        raise InvalidInput(
            f"this server compiles by {', '.join(known)}, not by {body.model!r}: name one of them, "
            "or have it started with --compile-model"
        )
    if body.form == "weights" and body.policy is not None:
        raise InvalidInput("weights lie in the store as they are: leave policy out")
    if body.form == "kv" and settings.compile_to is None and is_database(memory.path):
        raise InvalidInput(
            "this server has no folder beside its store for keys and values: have it started with "
            "--compile-to"
        )
    return memory, scope
