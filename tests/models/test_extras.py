"""What is not installed is told with the line that installs it; what is broken, by itself."""

from __future__ import annotations

import pytest

from mnemon.errors import MissingExtra
from mnemon.models.extras import require


@pytest.mark.parametrize("module", ["not_there", "not_there.inner", "email.not_there"])
def test_a_missing_package_is_told_with_its_line(module):
    with pytest.raises(MissingExtra, match=r"pip install 'mnemon\[otel\]'"):
        require(module, "not-there", "otel")


def test_a_broken_package_speaks_for_itself(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        require("half_installed", "half-installed", "otel")
