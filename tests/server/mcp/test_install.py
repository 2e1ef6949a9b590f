"""Installing and uninstalling on real files, odd ones too: nothing but our entry ever changes."""

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from mnemon import methods
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput
from mnemon.server.mcp import installing
from mnemon.server.mcp.clients import Machine
from mnemon.server.mcp.config import files, jsonc

CLIENTS = methods.names("server.mcp.clients")
COMMAND = ["/opt/py/bin/python", "-m", "mnemon", "mcp", "--namespace", "acme/ana é"]
ENTRY = {"command": COMMAND[0], "args": COMMAND[1:]}
KEYS = ("mcpServers",)

JSONS = {
    "plain": '{\n  "mcpServers": {\n    "git": {\n      "command": "git-mcp"\n    }\n  }\n}\n',
    "tabs": '{\n\t"theme": "dark",\n\t"mcpServers": {\n\t\t"git": {"command": "g"}\n\t}\n}',
    "comments": '// mine\n{\n  /* all */ "a": [1, 2,], // one\n  "mcpServers": {\n'
    '    "git": {"command": "g"}, // keep\n    // last\n  },\n}\n// end',
    "comment last": '{\n  "mcpServers": {\n    "git": {"command": "g"} // keep\n  }\n}\n',
    "one line": '{"a": 1, "mcpServers": {"git": {"command": "g"}}, "b": 2}',
    "windows": '{\r\n    "a": 1,\r\n    "mcpServers": {\r\n    }\r\n}\r\n',
    "empty object": "{}",
    "empty servers": '{"mcpServers": {}}\n',
    "none yet": '{\n    "a": {"mcpServers": {"mnemon": 1}},\n    "b": "//no, {"\n}\n',
    "byte order mark": '\ufeff{\n  "a": 1\n}\n',
    "blank": " \n\n",
    "escapes": '{"a\\"}": "\\u00e9 // no \\\\", "mcpServers": {"x": {"n": -1.5e3, "t": null}}}',
}
TOMLS = {
    "plain": 'model = "o9"\n\n[mcp_servers.git]\ncommand = "git-mcp"\n',
    "comments": '# mine\nmodel = "o9" # why\n\n[mcp_servers.git.env]\nA = "1"\n# end',
    "windows": 'model = "o9"\r\n[tools]\r\nweb = true\r\n',
    "strings": 'a = """\n[mcp_servers.other]\n"""\n[[list]]\nb = 1\n[[list]]\nb = 2\n',
    "blank": "\n",
}
CASES = [("f.json", KEYS, text) for text in JSONS.values()]
CASES += [("f.toml", ("mcp_servers",), text) for text in TOMLS.values()]
NAMES = [*JSONS, *(f"toml {name}" for name in TOMLS)]


def data(path: Path):
    text = path.read_bytes().decode()
    if path.suffix == ".toml":
        return tomllib.loads(text)
    return jsonc.parse(text.lstrip("\ufeff")).value if text.strip() else {}


@pytest.mark.parametrize(("name", "keys", "text"), CASES, ids=NAMES)
def test_in_and_out_again(tmp_path, name, keys, text):
    path = tmp_path / name
    path.write_bytes(text.encode())
    before = data(path)
    done = installing.install(path, keys, ENTRY)
    assert done.done == "installed" and done.backup.read_bytes() == text.encode()
    after = data(path)
    assert after[keys[0]].pop("mnemon") == ENTRY
    assert after == before | {keys[0]: before.get(keys[0], {})}
    assert installing.install(path, keys, ENTRY).done == "unchanged"
    assert installing.uninstall(path, keys).done in ("restored", "deleted")
    assert path.read_bytes() == text.encode() and list(tmp_path.iterdir()) == [path]
    assert installing.uninstall(path, keys).done == "absent"


@pytest.mark.parametrize(("name", "keys", "text"), CASES, ids=NAMES)
def test_every_line_of_before_is_still_there(tmp_path, name, keys, text):
    path = tmp_path / name
    path.write_bytes(text.encode())
    installing.install(path, keys, ENTRY)
    now = path.read_bytes().decode()
    for comment in ("// mine", "/* all */", "// one", "// keep", "// last", "# why", "# end"):
        assert (comment in now) == (comment in text)
    assert ("\r\n" in text) == ("\r\n" in now) and now.count("\r\n") in (0, now.count("\n"))


@pytest.mark.parametrize(("name", "keys", "text"), CASES, ids=NAMES)
def test_out_of_a_file_that_changed_meanwhile(tmp_path, name, keys, text):
    """A client or a person wrote to it: only our entry goes, the rest is as it is now."""
    path = tmp_path / name
    path.write_bytes(text.encode())
    installing.install(path, keys, ENTRY)
    more = b"\n# later\n" if path.suffix == ".toml" else b"\n// later\n"
    path.write_bytes(path.read_bytes() + more)
    before = data(path)
    assert installing.uninstall(path, keys).done == "removed"
    after = data(path)
    assert path.read_bytes().endswith(more)
    del before[keys[0]]["mnemon"]
    assert installing._filled(after) == installing._filled(before)


@pytest.mark.parametrize("name", ["f.json", "f.toml"])
def test_another_store_replaces_the_entry(tmp_path, name):
    path = tmp_path / name
    text = '{"a": 1}' if name == "f.json" else "a = 1\n"
    path.write_text(text)
    installing.install(path, KEYS, ENTRY)
    installing.install(path, KEYS, ENTRY | {"args": ["mcp", "--store", "/x.db"]})
    assert data(path)["mcpServers"]["mnemon"]["args"][-1] == "/x.db"
    assert installing.uninstall(path, KEYS).done == "restored"
    assert path.read_text() == text


def test_a_missing_file_is_made_and_goes_again(tmp_path):
    path = tmp_path / "deep" / "folder" / "mcp.json"
    assert installing.install(path, KEYS, ENTRY).backup is None
    assert json.loads(path.read_text()) == {"mcpServers": {"mnemon": ENTRY}}
    assert installing.uninstall(path, KEYS).done == "deleted"
    assert not path.exists() and not any(path.parent.iterdir())


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("f.json", '{"mcpServers": ', "line 1"),
        ("f.json", '{\n"a": 1\n"b": 2}', "line 3: a comma"),
        ("f.json", "[]", "no object"),
        ("f.json", '{"mcpServers": []}', "'mcpServers' is no object"),
        ("f.json", '{"mcpServers": {}, "mcpServers": {}}', "twice"),
        ("f.json", "{} {}", "something follows"),
        ("f.json", "{'a': 1}", "double quotes"),
        ("f.json", "[" * 100_000, "line 1"),
        ("f.toml", "a = ", "Invalid value"),
        ("f.toml", "mcpServers = 1\n", "no table"),
        ("f.toml", "mcpServers = {git = {}}\n", "mcpServers"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused_with_the_lines(tmp_path, name, text, told):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InvalidInput) as raised:
        installing.install(path, KEYS, ENTRY)
    assert told in str(raised.value) and "/opt/py/bin/python" in str(raised.value)
    assert path.read_text() == text and list(tmp_path.iterdir()) == [path]


def test_an_older_clients_servers_are_not_mixed_with_newer_ones(tmp_path):
    path = tmp_path / "opencode.json"
    path.write_text('{"mcp": {"git": {"type": "local", "command": ["g"]}}}')
    with pytest.raises(InvalidInput, match="'mcp' without 'servers'"):
        installing.install(path, ("mcp", "servers"), ENTRY)


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "dotfiles" / "real.json", tmp_path / "link.json"
    real.parent.mkdir()
    real.write_text("{}")
    link.symlink_to(real)
    installing.install(link, KEYS, ENTRY)
    assert link.is_symlink() and "mnemon" in real.read_text()
    installing.uninstall(link, KEYS)
    assert link.is_symlink() and real.read_text() == "{}"
    real.unlink()
    with pytest.raises(InvalidInput, match="link to"):
        installing.install(link, KEYS, ENTRY)


def test_permissions_stay(tmp_path):
    path = tmp_path / "f.json"
    path.write_text("{}")
    path.chmod(0o640)
    backup = installing.install(path, KEYS, ENTRY).backup
    for one in (path, backup):
        assert stat.S_IMODE(one.stat().st_mode) == 0o640


def test_no_text_and_folders_are_refused(tmp_path):
    (tmp_path / "f.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InvalidInput, match="UTF-8"):
        installing.install(tmp_path / "f.json", KEYS, ENTRY)
    with pytest.raises(OSError):
        installing.install(tmp_path, KEYS, ENTRY)


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_unreadable_is_told(tmp_path):
    path = tmp_path / "f.json"
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(PermissionError):
        installing.install(path, KEYS, ENTRY)


def test_a_change_between_reading_and_writing_is_not_lost(tmp_path):
    path = tmp_path / "f.json"
    path.write_text('{"new": 1}')
    with pytest.raises(InvalidInput, match="run this again"):
        files.write(path, "{}", expected='{"old": 1}')
    assert path.read_text() == '{"new": 1}' and list(tmp_path.iterdir()) == [path]


@pytest.fixture
def run(tmp_path, monkeypatch):
    for name in ("MNEMON_STORE", "MNEMON_NAMESPACE", "CODEX_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return lambda *words: CliRunner().invoke(mnemon, words)


@pytest.mark.parametrize("name", [name for name in CLIENTS if name != "claude-desktop"])
@pytest.mark.parametrize("options", [[], ["--project"]])
def test_each_client(run, tmp_path, name, options):
    done = run("install", name, *options, "--store", "memory.db", "-n", "acme/ana")
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    if options and done.exit_code == 2:
        assert "leave --project out" in done.output and made == []
        return
    assert done.exit_code == 0, done.output
    (path,) = made
    assert path.is_relative_to(tmp_path / ("work" if options else "home"))
    words = path.read_text()
    assert str(tmp_path / "work" / "memory.db") in words and "acme/ana" in words
    assert run("install", name, *options, "--print").exit_code == 0
    assert run("uninstall", name, *options).exit_code == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


OVER_HTTP = ["--http", "--store", "https://memory.example/", "-n", "acme/ana é"]
BY_VARIABLE = {
    "claude-code": "Bearer ${TEAM_KEY}", "cursor": "Bearer ${env:TEAM_KEY}",
    "gemini-cli": "Bearer ${TEAM_KEY}", "opencode": "Bearer {env:TEAM_KEY}",
    "windsurf": "Bearer ${env:TEAM_KEY}", "codex": 'bearer_token_env_var = "TEAM_KEY"',
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in CLIENTS if name != "claude-desktop"])
def test_each_client_can_ask_a_server_itself(run, tmp_path, name):
    (key := tmp_path / "key").write_text("mnemon_secret\n")
    done = run("install", name, *OVER_HTTP, "--api-key-file", str(key))
    assert done.exit_code == 0, done.output
    (path,) = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    text = path.read_text()
    for told in ("https://memory.example/mcp", "Bearer mnemon_secret", "acme/ana%20%C3%A9"):
        assert text.count(told) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run("uninstall", name).exit_code == 0 and not path.exists()
    done = run("install", name, *OVER_HTTP, "--api-key-env", "TEAM_KEY", "--print")
    if name in BY_VARIABLE:
        assert BY_VARIABLE[name] in done.stdout and "acme/ana%20%C3%A9" in done.stdout
    else:
        assert done.exit_code == 2 and "--api-key-file" in done.output
    done = run("install", name, *OVER_HTTP, "--print")
    assert done.exit_code == 0 and "Bearer" not in done.stdout and "bearer" not in done.stdout
    address = '"https://memory.example/mcp/acme/ana%20%C3%A9"'
    assert address in done.stdout and "Mnemon-Namespace" not in done.stdout
    assert "oauth" not in done.stdout  # without a key the client may find out where to sign in


def test_what_cannot_be_a_servers_address_is_refused(run, tmp_path):
    (key := tmp_path / "key").write_text("mnemon_secret")
    secret = ["--api-key-file", str(key)]
    for words, why in (
        (["cursor", "--http", "--store", "memory.db"], "needs the address"),
        (["cursor", *OVER_HTTP, *secret, "--project"], "--api-key-env"),
        (["cursor", *OVER_HTTP, *secret, "--api-key-env", "TEAM_KEY"], "one of the two"),
        (["cursor", *OVER_HTTP, "--program", "memgas"], "--program"),
        (["cursor", *OVER_HTTP[:-1], "acme/../ben"], "plain path"),
        (["cursor", "--api-key-env", "TEAM_KEY"], "--http"),
        (["claude-desktop", *OVER_HTTP, "--print"], "leave --http out"),
    ):
        done = run("install", *words)
        assert done.exit_code == 2 and why in done.output, done.output
        assert "mnemon_secret" not in done.output
    assert not (tmp_path / "home").exists()


def test_claude_desktop_is_where_the_page_says():
    client = methods.load("server.mcp.clients", "claude-desktop")
    mac = client.user(Machine(Path("/Users/ana"), "darwin", {}))
    assert str(mac).endswith("ana/Library/Application Support/Claude/claude_desktop_config.json")
    with pytest.raises(InvalidInput, match="--print"):
        client.user(Machine(Path("/home/ana"), "linux", {}))


def test_printing_changes_nothing(run, tmp_path):
    done = run("install", "codex", "--print")
    assert tomllib.loads(done.stdout)["mcp_servers"]["mnemon"]["args"][-1] == "mcp"
    assert not (tmp_path / "home").exists()
    assert run("install", "claude-desktop", "--print").exit_code == 0


@pytest.mark.parametrize("name", CLIENTS)
def test_each_names_the_vendors_page(name):
    client = methods.find("server.mcp.clients", name)
    assert client.page.startswith("https://") and client.page in client.__module__ + str(
        __import__(client.__module__, fromlist=["x"]).__doc__
    )
