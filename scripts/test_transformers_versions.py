"""Run the KV tests on the three newest minor releases of transformers.

    python scripts/test_transformers_versions.py [VERSION ...]

Each version goes into a folder of its own, beside the packages that are installed already.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

VERSIONS = ("5.22.2", "5.23.0", "5.24.0")
ROOT = Path(__file__).parent.parent


def passes(version: str, folder: Path) -> bool:
    """Whether tests/kv passes with that version."""
    install = ["pip", "install", "-q", "--no-deps", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", *install, f"transformers=={version}"], check=True)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/kv"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    return done.returncode == 0


def main() -> None:
    """Test each, and fail if one does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", nargs="*", default=VERSIONS)
    failed = []
    for version in parser.parse_args().versions:
        with tempfile.TemporaryDirectory() as folder:
            if not passes(version, Path(folder)):
                failed.append(version)
    sys.exit(f"failed on {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
