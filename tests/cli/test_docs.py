import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _script():
    spec = importlib.util.spec_from_file_location("cli_docs", ROOT / "scripts" / "cli_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date():
    script = _script()
    written = script.PAGE.read_text("utf-8")
    assert written == script.page(), "run python scripts/cli_docs.py"


def test_the_page_has_every_command_and_exit_code():
    script = _script()
    page = script.page()
    for name in script.mnemon.list_commands(None):
        assert f"### `mnemon {name}`" in page
    assert all(f"| {code} |" in page for code in script.exits.MEANINGS)
