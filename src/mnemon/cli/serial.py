"""Values of the vocabulary → JSON on stdout."""

from __future__ import annotations

import json
from typing import Any

import click

from mnemon.wire.plain import plain


def show(value: Any) -> None:
    """Print as JSON."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))
