"""What `mnemon install` and `mnemon uninstall` share: which client, which of its files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mnemon import methods
from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from mnemon.server.mcp.clients import Client

F = TypeVar("F", bound=Callable[..., Any])

_SLOT = "server.mcp.clients"


def chosen(command: F) -> F:
    """The argument CLIENT and `--project`, as `client` and `project`."""
    command = click.option(
        "--project", is_flag=True, help="The file of the project in this folder, not the user's."
    )(command)
    return click.argument("client", type=click.Choice(methods.names(_SLOT)))(command)


def load(name: str) -> Client:
    """The client's method."""
    found: Client = methods.load(_SLOT, name)
    return found


def file(client: Client, project: bool) -> Path:
    """The configuration file.

    Raises:
        InvalidInput: the client has no such file.
    """
    from mnemon.server.mcp.clients import Machine

    if not project:
        return client.user(Machine(Path.home(), sys.platform, os.environ))
    path = client.project(Path.cwd())
    if path is None:
        raise InvalidInput(
            f"{client.title} has no file for a project, as {client.page} tells: leave --project out"
        )
    return path
