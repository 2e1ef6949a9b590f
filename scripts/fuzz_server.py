"""Throw generated inputs, good and bad, at every route of a real server, for a while.

    pip install schemathesis==4.32.5
    python scripts/fuzz_server.py --seconds 60 --seed 1

Fails when an answer is a 5xx, has a status or content type that /openapi.json does not tell, or
does not fit its schema. It brings twenty packages, so it is in no extra of ours; the suite
has a small fuzzer of its own (tests/server/test_hostile_input.py).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mnemon import Memory
from mnemon.bench.load.server import started

_CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)


def main() -> int:
    """The exit status of schemathesis."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    beside = Path(sys.executable).parent  # of an environment that is not activated
    program = shutil.which("schemathesis") or shutil.which("schemathesis", path=beside)
    if program is None:
        sys.exit("schemathesis is not installed: pip install schemathesis==4.32.5")
    with tempfile.TemporaryDirectory(prefix="mnemon-fuzz-") as place:
        store = Path(place) / "fuzzed.db"
        with Memory(store) as memory:
            cubes = memory.add(["Ana moved to Lisbon.", "Ben likes tea.", "Ana rows."])
            memory.link(cubes[0].id, "next", cubes[1].id)
        settings = Path(place) / "schemathesis.toml"
        ids = ", ".join(f'"{cube.id}"' for cube in cubes)
        settings.write_text(f'[parameters]\n"path.id" = [{ids}]\n')  # or nearly all would be 404
        with started(store, 1) as running:
            command = [
                program, "--config-file", str(settings), "run", f"{running.url}/openapi.json",
                "--url", running.url, "--seed", str(told.seed), "--max-time", str(told.seconds),
                "--mode", "all", "--phases", "coverage,fuzzing", "--checks", _CHECKS,
                "--generation-database", "none", "--continue-on-failure",
                "--no-color", "--warnings", "off",
            ]  # fmt: skip
            return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
