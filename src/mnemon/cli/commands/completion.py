"""`mnemon completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
      bash: eval "$(mnemon completion bash)" in ~/.bashrc
      zsh:  eval "$(mnemon completion zsh)" in ~/.zshrc
      fish: mnemon completion fish > ~/.config/fish/completions/mnemon.fish
    """
    from mnemon.cli.app import mnemon

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(mnemon, {}, "mnemon", "_MNEMON_COMPLETE").source())
