import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "cli_docs.py"


def _script():
    spec = importlib.util.spec_from_file_location("cli_docs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date():
    # A process of its own: click keeps a command's help option as it was first asked for.
    ran = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_the_page_has_every_command_and_exit_code():
    script = _script()
    page = script.page()
    for name in script.mnemon.list_commands(None):
        assert f"### `mnemon {name}`" in page
    assert all(f"| {code} |" in page for code in script.exits.MEANINGS)
