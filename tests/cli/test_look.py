def test_ls_lists_in_order_and_goes_on(run, ids, parsed):
    assert [cube["id"] for cube in parsed(run("ls", "--json"))] == ids
    first = run("ls", "--limit", "2")
    assert f"--after {ids[1][-8:]}" in first.stderr
    rest = parsed(run("ls", "--after", ids[1][-8:], "--json"))
    assert [cube["id"] for cube in rest] == ids[2:]


def test_ls_is_aligned_text_in_a_pipe(run, ids):
    head, first, *_ = run("ls").stdout.splitlines()
    assert head.split() == ["ID", "DATE", "KIND", "SPEAKER", "TEXT"]
    assert first.index("Ana moved") == head.index("TEXT")


def test_ls_filters_and_tells_namespaces(run, ids, parsed):
    assert [c["id"] for c in parsed(run("ls", "--speaker", "Ben", "--json"))] == [ids[2]]
    run("ls", "--kind", "task", expect=1)
    run("add", "elsewhere", "-n", "acme/ana")
    assert parsed(run("ls", "--namespaces", "--json")) == [
        {"namespace": "acme/ana", "cubes": 1},
        {"namespace": "default", "cubes": 3},
    ]
    assert "acme/ana" in run("ls", "--namespaces").stdout


def test_cat_prints_content_by_the_end_of_an_id(run, ids, parsed):
    assert run("cat", ids[0][-8:], ids[2]).stdout == (
        "Ana moved to Lisbon in March.\nBen rows on the Alster.\n"
    )
    (cube,) = parsed(run("cat", ids[0].upper(), "--json"))
    assert cube["id"] == ids[0] and cube["version"] == 1


def test_ids_that_name_nothing_or_too_much(run, ids):
    run("cat", "zzzzzzzz", expect=1)
    run("cat", ids[0][:-1] + ("0" if ids[0][-1] != "0" else "1"), expect=1)
    assert "last 4 characters" in run("cat", "abc", expect=2).stderr


def test_history_cat_and_restore_reach_the_past(run, ids, parsed):
    run("update", ids[0], "Ana moved to Porto.", "--version", "1")
    assert run("cat", ids[0], "--version", "1").stdout == "Ana moved to Lisbon in March.\n"
    assert [cube["version"] for cube in parsed(run("history", ids[0], "--json"))] == [1, 2]
    assert "current" in run("history", ids[0]).stdout
    assert "version 3" in run("restore", ids[0], "--version", "1").stdout
    assert run("cat", ids[0]).stdout == "Ana moved to Lisbon in March.\n"
    run("cat", ids[0], "--as-of", "2020-01-01", expect=1)


def test_log_tells_what_happened(run, ids, parsed):
    events = parsed(run("log", "--json"))
    assert [event["verb"] for event in events] == ["add", "add"]
    assert events[-1]["cube"] == ids[2]
    run("update", ids[1], "Ana has two cats.")
    assert ids[1][-8:] in run("log", "--cube", ids[1], "--limit", "1").stdout
    run("log", "--follow", "--json", expect=2)


def test_control_characters_do_not_reach_tables(run):
    run("add", "a \x1b[31mred\x1b[0m text")
    assert "\x1b" not in run("ls").stdout
    assert "\x1b" not in run("search", "red text").stdout
