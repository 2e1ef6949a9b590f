"""The group `mnemon`: finds commands as files, loads one when it is used, reports its errors."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from typing import Any, NoReturn

import click

from mnemon import __version__
from mnemon.cli import commands, exits
from mnemon.cli.settings import Settings
from mnemon.errors import KeyRefused, MnemonError


class Commands(click.Group):
    """The files of a folder as commands; each has one `click.Command` called `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, sorted, without importing any."""
        return sorted(_files())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        module = _files().get(cmd_name)
        if module is None:
            return None
        found: click.Command = importlib.import_module(f"{commands.__name__}.{module}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail naming the nearest."""
        if args and not args[0].startswith("-") and args[0] not in _files():
            from mnemon.methods import nearest

            advice = nearest(args[0], self.list_commands(ctx))
            ctx.fail(f"there is no command {args[0]!r}: {advice}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run; a reader who went away is no error of ours."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            exits.hush()
            raise click.exceptions.Exit(exits.PIPE) from None

    def main(self, *args: Any, **named: Any) -> NoReturn:
        """Run as a process would, and exit."""
        named["standalone_mode"] = False
        sys.exit(exits.flushed(self._code(*args, **named)))

    def _code(self, *args: Any, **named: Any) -> int:
        try:
            result = super().main(*args, **named)
            return result if isinstance(result, int) else exits.OK
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except click.Abort:
            click.echo("stopped", err=True)
            return exits.INTERRUPTED
        except (MnemonError, OSError) as error:
            advice = "; here: --api-key or MNEMON_API_KEY" if isinstance(error, KeyRefused) else ""
            click.echo(f"Error: {error}{advice}", err=True)
            return exits.code(error)


def _files() -> dict[str, str]:
    # `import` cannot be a module's name, so its file ends in an underscore.
    found = (module.name for module in pkgutil.iter_modules(commands.__path__))
    return {name.rstrip("_").replace("_", "-"): name for name in found}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--store",
    envvar="MNEMON_STORE",
    metavar="PATH",
    help="The store's file or postgresql:// URL, or a server's address; by default the user's own "
    "file.",
)
@click.option(
    "-n",
    "--namespace",
    envvar="MNEMON_NAMESPACE",
    metavar="NAME",
    help="Where to work; by default 'default'. Reads see it and everything below it.",
)
@click.option(
    "--program",
    envvar="MNEMON_PROGRAM",
    metavar="NAME",
    help="How to search: one that `mnemon methods text.programs` lists; by default 'default'.",
)
@click.option(
    "--api-key", envvar="MNEMON_API_KEY", metavar="KEY", help="The key, for a server that asks."
)
@click.version_option(__version__, prog_name="mnemon")
@click.pass_context
def mnemon(
    ctx: click.Context,
    store: str | None,
    namespace: str | None,
    program: str | None,
    api_key: str | None,
) -> None:
    """A memory for language models: remember, search, recall, correct and forget.

    \b
      mnemon add "Ana moved to Lisbon in March." --speaker Ana
      mnemon search "Where does Ana live?"
      mnemon recall "Where does Ana live?" --budget 500
      mnemon demo
    """
    ctx.obj = Settings(store or None, namespace or None, program or None, api_key or None)
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False
