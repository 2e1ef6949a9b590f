from mnemon.cli import layout


def test_wrapping_counts_columns_of_a_terminal():
    assert layout.wrap("one two three", 7) == ["one two", "three"]
    assert layout.wrap("", 7) == []
    assert layout.wrap("a abcdefghi b", 4) == ["a", "abcd", "efgh", "i b"]
    assert all(layout.width(line) <= 10 for line in layout.wrap("日本語の文章はとても長い", 10))
    assert "".join(layout.wrap("日本語の文章", 4)) == "日本語の文章"


def test_width_of_wide_and_combining_letters():
    assert layout.width("日本") == 4
    assert layout.width("e\u0301") == 1


def test_control_characters_are_made_visible():
    assert layout.safe("a\x1b[1mb\nc") == "a\ufffd[1mb\nc"


def test_a_table_for_a_terminal_cuts_only_its_last_column(monkeypatch, capsys):
    monkeypatch.setattr(layout, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    layout.table(("ID", "WHO", "TEXT"), [("12345678", "Ana", "日本 long " * 20)])
    shown = capsys.readouterr().out
    assert "12345678" in shown and "Ana" in shown
    assert "日本 long" in shown and "…" in shown
    assert max(map(layout.width, shown.splitlines())) == 40
