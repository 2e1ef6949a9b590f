"""methods, completion, bench and the group itself."""

import pytest
from click.testing import CliRunner

from mnemon import __version__
from mnemon.cli.app import mnemon
from mnemon.errors import MissingExtra


def test_methods_are_found_without_a_list(run, parsed):
    found = parsed(run("methods", "--json"))
    assert {"slot": "text.retrieve", "name": "words"}.items() <= next(
        one for one in found if one["name"] == "words"
    ).items()
    assert all(one["summary"] for one in found)
    assert "jsonl" in run("methods").stdout
    assert "--option limit=1500" in run("methods", "importers").stdout
    run("methods", "text.nothing", expect=2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run, shell):
    assert "_MNEMON_COMPLETE" in run("completion", shell).stdout


def test_an_unknown_command_names_the_nearest(run):
    assert "did you mean 'search'" in run("serch", expect=2).stderr


def test_every_command_has_help():
    for name in mnemon.list_commands(None):
        done = CliRunner().invoke(mnemon, [name, "--help"])
        assert done.exit_code == 0 and "Usage: " in done.stdout


def test_summaries_fit_into_the_list_of_commands():
    shown = CliRunner().invoke(mnemon, ["--help"], terminal_width=80).stdout
    assert "..." not in shown.partition("Commands:")[2]


def test_version():
    assert CliRunner().invoke(mnemon, ["--version"]).stdout == f"mnemon, version {__version__}\n"


def test_the_environment_names_store_and_namespace(run, store, monkeypatch, parsed):
    monkeypatch.setenv("MNEMON_STORE", str(store))
    monkeypatch.setenv("MNEMON_NAMESPACE", "work")
    done = CliRunner().invoke(mnemon, ["add", "x", "--json"])
    assert parsed(done)[0]["namespace"] == "work"


def test_a_missing_extra_exits_with_4(run, ids, monkeypatch):
    def missing(*args, **named):
        raise MissingExtra("nopackage", "noextra")

    monkeypatch.setattr("mnemon.memory.Memory.search", missing)
    assert "pip install 'mnemon[noextra]'" in run("search", "x", expect=4).stderr


def test_bench_text(run, tmp_path):
    told = ["bench", "text", "--systems", "mnemon", "--limit", "2", "--out", str(tmp_path / "out")]
    assert "| mnemon |" in run(*told).stdout
    assert (tmp_path / "out" / "report.md").is_file()
    run("bench", "text", "--systems", "nobody", expect=2)
    run("bench", "speed", "--sizes", "many", expect=2)


def test_bench_speed_is_shown(run, monkeypatch, parsed):
    from mnemon.bench import scale

    def measured(sizes, out, seed, **more):
        value = scale.Value("search", 1.5, "ms", sizes[-1], 3)
        return scale.Speed((value,), (), {"cpu": "any"}, {}, "mnemon bench speed", "today", seed)

    monkeypatch.setattr(scale, "run_speed", measured)
    assert parsed(run("bench", "speed", "--sizes", "5,7", "--json"))["values"][0]["size"] == 7
    assert "| search |" in run("bench", "speed").stdout


@pytest.mark.parametrize("command", ["key list", "ls", "serve", "audit verify"])
def test_a_folder_is_no_store(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(mnemon, ["--store", ".", *command.split()])
    assert done.exit_code in (2, 3) and "a folder" in done.output and done.exc_info[0] is SystemExit
