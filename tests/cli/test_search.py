from click.testing import CliRunner

from mnemon.cli.app import mnemon


def test_people_see_score_day_speaker_text_id_and_why(run, ids):
    shown = run("search", "moved to Lisbon", "-k", "1", "--explain").stdout
    head, text, *why = shown.splitlines()
    assert "Ana" in head and ids[0][-8:] in head
    assert text == "      Ana moved to Lisbon in March."
    assert why[0].strip() == "words #1, matches moved, Lisbon"
    assert why[-1].strip().startswith("listnet #1, probability 0.")
    assert "\x1b" not in shown


def test_json_is_a_list_of_hits(run, ids, parsed):
    found = parsed(run("search", "rows", "--kind", "fact", "--json"))
    assert found[0]["cube"]["id"] == ids[2]
    assert 0 <= found[0]["score"] <= 1
    assert {"channel", "rank", "score", "detail"} == found[0]["why"][0].keys()


def test_filters_narrow(run, ids, parsed):
    found = parsed(run("search", "Alster cat Lisbon", "--speaker", "Ben", "--json"))
    assert [hit["cube"]["id"] for hit in found] == [ids[2]]
    run("search", "Ana", "--until", "2020-01-01", expect=1)
    run("search", "Ana", "--as-of", "2020-01-01", expect=1)


def test_a_missing_or_empty_store_says_how_to_add(run, store):
    assert "mnemon add" in run("search", "x", expect=1).stderr
    assert not store.exists()
    run("forget", run("add", "x").stdout.strip(), "--yes", "--purge")
    assert "is empty: add to it" in run("search", "x", expect=1).stderr


def test_an_empty_namespace_names_the_others(run, ids):
    assert "default (3)" in run("search", "x", "-n", "other", expect=1).stderr


def test_bad_questions_exit_with_2(run, ids):
    run("search", "x", "-k", "0", expect=2)
    run("search", "x", "--since", "whenever", expect=2)
    run("search", "x", "--min-score", "7", expect=2)


def test_recall_prints_only_the_text_on_stdout(run, ids, store):
    from mnemon import Memory

    done = run("recall", "Where does Ana live?", "--budget", "40")
    with Memory(store) as memory:
        assert done.stdout == memory.recall("Where does Ana live?", 40).text
    assert "tokens" in done.stderr and " ms" in done.stderr


def test_recall_as_json(run, ids, parsed):
    told = parsed(run("recall", "Lisbon", "--json"))
    assert told.keys() == {"text", "tokens", "cited", "hits"}
    assert ids[0] in told["cited"]
    assert told["tokens"] <= 1000


def test_recall_of_nothing_and_of_no_budget(run, ids):
    assert run("recall", "x", "-n", "other", expect=1).stdout == ""
    run("recall", "x", "--budget", "0", expect=2)


def test_colours_are_for_terminals_and_not_against_no_color(store, ids, monkeypatch):
    asked = ["--store", str(store), "search", "Lisbon"]
    assert "\x1b" in CliRunner().invoke(mnemon, asked, color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(mnemon, asked, color=True).stdout
