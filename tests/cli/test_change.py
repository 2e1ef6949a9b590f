def test_update_makes_a_version_and_refuses_a_stale_one(run, ids, parsed):
    told = ["--kind", "fact", "--meta", "n=1", "--json"]
    cube = parsed(run("update", ids[1], "Ana has two cats.", *told))
    assert (cube["version"], cube["kind"], cube["metadata"]) == (2, "fact", {"n": 1})
    assert "at version 2" in run("update", ids[1], "x", "--version", "1", expect=1).stderr
    run("update", ids[1], expect=2)


def test_links_come_and_go(run, ids, parsed):
    run("links", ids[0], expect=1)
    run("link", ids[0], "about", ids[2][-8:], "--weight", "0.5")
    (link,) = parsed(run("links", ids[0], "--json"))
    assert (link["src"], link["type"], link["dst"], link["weight"]) == (
        ids[0], "about", ids[2], 0.5,
    )  # fmt: skip
    assert "about" in run("links", ids[2]).stdout
    run("link", ids[0], "about", ids[2], "--remove")
    run("link", ids[0], "about", ids[2], "--remove", expect=1)


def test_forget_needs_to_be_told_what_and_that(run, ids, parsed):
    assert "what to forget" in run("forget", "--yes", expect=2).stderr
    run("forget", ids[0], "--all", "--yes", expect=2)
    assert "needs --yes" in run("forget", ids[0], expect=2).stderr
    assert len(parsed(run("ls", "--json"))) == 3


def test_a_dry_run_only_counts(run, ids, parsed):
    told = parsed(run("forget", "--speaker", "Ana", "--dry-run", "--json"))
    assert (told["cubes"], told["dry_run"]) == (2, True)
    assert "would forget 1 cube, 1 version" in run("forget", ids[0], "--dry-run").stdout
    assert len(parsed(run("ls", "--json"))) == 3


def test_forget_prints_the_receipt_and_restore_brings_back(run, ids):
    assert run("forget", ids[0][-8:], "--yes").stdout == (
        f"forgot 1 cube, 1 version, 0 links, 0 artifacts\n{ids[0]}\n"
    )
    run("cat", ids[0], expect=1)
    run("forget", ids[0], "--yes", expect=1)
    run("restore", ids[0][-8:])
    assert run("cat", ids[0]).exit_code == 0


def test_purge_leaves_no_byte(run, ids, store):
    assert "purged 1 cube" in run("forget", ids[0], "--purge", "--yes").stdout
    run("history", ids[0], expect=1)
    for file in store.parent.iterdir():
        if file.is_file():
            assert b"Lisbon" not in file.read_bytes()


def test_all_forgets_the_namespace_and_no_other(run, ids, parsed):
    run("add", "elsewhere", "-n", "other")
    assert parsed(run("forget", "--all", "--yes", "--json"))["cubes"] == 3
    assert run("ls", "-n", "other").exit_code == 0


def test_a_terminal_is_asked(run, ids, monkeypatch):
    monkeypatch.setattr("mnemon.cli.commands.forget.can_ask", lambda: True)
    assert "nothing was forgotten" in run("forget", ids[0], stdin="n\n", expect=1).stderr
    assert "forgot 1 cube" in run("forget", ids[0], stdin="y\n").stdout


def test_a_namespace_is_rolled_back_when_it_is_confirmed(run, ids, parsed):
    run("rollback", "--to", "2020-01-01", expect=2)
    told = run("rollback", "--to", "2020-01-01", "--dry-run")
    assert (
        told.stdout == "would be: 0 cubes back, 0 cubes changed, 3 cubes retired, 0 links changed\n"
    )
    assert parsed(run("rollback", "--to", "2020-01-01", "--yes", "--json"))["retired"] == ids
    assert run("ls", expect=1).stdout == ""


def test_forgetting_is_verified_in_every_form(run, store, parsed):
    from mnemon import Memory
    from mnemon.models.local import load
    from mnemon.weights import consolidate

    code = "the code for maiposhi is x04 x1a x44 xc5 ."
    (id,) = run("add", code, "--kind", "fact").stdout.split()
    run("add", "the code for leze is x01 x02 x03 x04 .", "--kind", "fact")
    with Memory(store) as memory:
        consolidate(memory, *load("nano"))
    run("forget", id, "--yes", "--model", "nano", expect=2)
    done = run("forget", id, "--purge", "--yes", "--verify", "--model", "nano")
    assert "1 artifact (1 adapter)" in done.stdout
    assert "recall: looked at 1, found 0" in done.stdout
    assert done.stdout.endswith("nothing of it was found\n")
    one, other = run("add", code, f"he said {code}").stdout.split()
    told = parsed(run("forget", one, "--yes", "--verify", "--json", expect=1))
    assert told["verified"]["clean"] is False and told["ids"] == [one]
    assert [look["what"] for look in told["verified"]["looks"] if look["found"]] == [[other]]
