"""Our reading of JSON is Python's, and no edit changes what it does not mean to."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon.server.mcp.config import json_form, jsonc, toml_form

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
INDENTS = st.sampled_from([None, 2, 4, "\t"])
ENTRY = {"command": "/x", "args": ["a", 'b"\\'], "env": {}}


@given(VALUES, INDENTS, st.booleans())
def test_it_reads_what_python_reads(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    node = jsonc.parse(f"/* { {} } */ {text} // end")
    assert node.value == json.loads(text)


@given(st.text(alphabet='{}[]",:/* \n1a\\', max_size=30))
def test_what_python_cannot_read_it_reads_only_for_comments_and_commas(text):
    try:
        node = jsonc.parse(text)
    except jsonc.Malformed:
        with pytest.raises(ValueError):
            json.loads(text)
        return
    dense = "".join(text.split())
    if not any(ours in dense for ours in ("/", ",}", ",]")):
        assert node.value == json.loads(text)


@given(
    st.dictionaries(st.text(), VALUES, max_size=4),
    st.none() | st.dictionaries(st.text(), VALUES, max_size=3),
    INDENTS,
)
def test_put_then_drop_changes_only_the_entry(before, servers, indent):
    before.pop("s", None)
    if servers is not None:
        before["s"] = {key: one for key, one in servers.items() if key != "m"}
    text = json.dumps(before, indent=indent)
    put = json_form.put(text, ("s",), "m", ENTRY)
    assert json.loads(put) == before | {"s": before.get("s", {}) | {"m": ENTRY}}
    assert json_form.find(put, ("s",), "m") == ENTRY
    dropped = json_form.drop(put, ("s",), "m")
    assert json.loads(dropped) == before | {"s": before.get("s", {})}
    if before.get("s"):
        assert dropped == text


@pytest.mark.parametrize("below", ["", "\n# about the next\n[next]\nb = 2\n", "\n[next]\nb = 2\n"])
@pytest.mark.parametrize("above", ["", "# first\na = 1\n\n", "[other]\nc = 3\n\n"])
def test_a_table_in_the_middle_goes_with_those_below_it(above, below):
    own = '[s.m]\ncommand = "x"\n\n[s.m.env]\nA = "1"\n'
    left = toml_form.drop(above + own + below, ("s",), "m")
    assert toml_form.find(left, ("s",), "m") is None
    whole = toml_form.load(above + own + below)
    del whole["s"]
    assert toml_form.load(left) == whole
    assert ("# about the next" in left) == ("# about the next" in below)
    assert ("# first" in left) == ("# first" in above)
