from pathlib import Path


def test_prints_the_ids_of_texts(run):
    assert len(run("add", "one", "two").stdout.split()) == 2


def test_stdin_is_one_cube(run, parsed):
    run("add", stdin="a line\nand another\n")
    run("add", "-", stdin="more\n")
    assert [cube["content"] for cube in parsed(run("ls", "--json"))] == [
        "a line\nand another",
        "more",
    ]


def test_lines_are_cubes_and_blank_ones_are_none(run, parsed):
    added = parsed(run("add", "--lines", "--speaker", "Ana", "--json", stdin="one\n\n two\n"))
    assert [cube["content"] for cube in added] == ["one", " two"]
    assert {cube["speaker"] for cube in added} == {"Ana"}


def test_a_file_is_a_document(run, tmp_path: Path, parsed):
    note = tmp_path / "note.txt"
    note.write_text("A first paragraph.\n\nA second one.", "utf-8")
    whole = parsed(run("add", "--file", str(note), "--json"))[0]
    assert whole["provenance"]["source"] == str(note)
    assert "A first paragraph" in run("search", "first paragraph").stdout


def test_what_is_said_about_it_is_kept(run, parsed):
    told = ["--at", "2024-05-07", "--kind", "fact", "--session", "s", "--source", "u", "--key", "k"]
    (cube,) = parsed(run("add", "x y", *told, "--meta", "n=3", "--meta", "tag=a b", "--json"))
    assert cube["valid_from"] == "2024-05-07T00:00:00+00:00"
    assert (cube["kind"], cube["session"], cube["key"]) == ("fact", "s", "k")
    assert cube["metadata"] == {"n": 3, "tag": "a b"}
    again = run("add", "x y", *told, "--meta", "n=3", "--meta", "tag=a b")
    assert again.stdout.strip() == cube["id"]
    assert "is that of a cube" in run("add", "z", "--key", "k", expect=2).stderr


def test_bad_input_exits_with_2_and_writes_nothing(run, tmp_path: Path):
    for args in (
        ["add", ""],
        ["add", "x", "--at", "soon"],
        ["add", "x", "--meta", "novalue"],
        ["add", "x", "y", "--key", "k"],
        ["add", "x", "--file", "f"],
        ["add", "x", "--lines"],
        ["add", "--file", str(tmp_path / "none.txt")],
        ["add", "x", "-n", "a/../b"],
    ):
        assert "Error" in run(*args, expect=2).stderr
    run("add", stdin=b"\xff\xfe", expect=2)
    run("ls", expect=1)
