"""Write docs/cli.md from the command line's own help: `python scripts/cli_docs.py`.

With `--check` it writes nothing, and exits with 1 when the page is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from mnemon.cli import exits
from mnemon.cli.app import mnemon

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"

_HEAD = """# The command line

<!-- Made by scripts/cli_docs.py from the code: change the code, then run it. -->

Data goes to stdout, messages to stderr. `--json` makes the data JSON. `--store` and `--namespace`
may stand before or after the command, and so may `--program` where a command searches. `python -m
mnemon` is the same as `mnemon`.

An ID is a whole id, or its last 4 characters or more if no other id of the namespace ends so;
listings print the last 8. A TIME is ISO 8601, such as `2024-05-07` or `2024-05-07T18:30:00+02:00`;
without a zone it is UTC. When stdout is a terminal, tables and colours are drawn for it.
"""

_ENVIRONMENT = """## Environment

| variable | what it does |
| --- | --- |
| `MNEMON_STORE` | the store's file or URL, when `--store` is not given |
| `MNEMON_NAMESPACE` | the namespace, when `--namespace` is not given |
| `MNEMON_PROGRAM` | the program, when `--program` is not given |
| `NO_COLOR` | when set, no colours |
| `COLUMNS` | how wide to print |
"""


def page() -> str:
    """The whole page."""
    context = click.Context(
        mnemon,
        info_name="mnemon",
        terminal_width=80,
        max_content_width=80,
        **mnemon.context_settings,
    )
    sections = [_help(context), *_commands(context)]
    return "\n".join([_HEAD, _codes(), _ENVIRONMENT, "## Commands\n", *sections]).rstrip() + "\n"


def _codes() -> str:
    rows = [f"| {code} | {meaning} |" for code, meaning in exits.MEANINGS.items()]
    return "\n".join(["## Exit codes\n", "| code | meaning |", "| ---: | --- |", *rows, ""])


def _commands(above: click.Context) -> Iterator[str]:
    assert isinstance(above.command, click.Group)
    for name in above.command.list_commands(above):
        command = above.command.get_command(above, name)
        assert command is not None
        context = click.Context(
            command, parent=above, info_name=name, terminal_width=80, max_content_width=80
        )
        yield _help(context)
        if isinstance(command, click.Group):
            yield from _commands(context)


def _help(context: click.Context) -> str:
    told = context.command.get_help(context).replace("\b\n", "")
    return f"### `{context.command_path}`\n\n```text\n{told}\n```\n"


def main() -> None:
    """Write the page, or check it."""
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text("utf-8") != text:
            sys.exit(f"{PAGE} is out of date: run python scripts/cli_docs.py")
        return
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
