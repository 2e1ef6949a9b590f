from __future__ import annotations

import json

from tests.integrations.scripted import running


def test_a_model_behind_an_endpoint_notes_what_facts_tell(run, ids, parsed, monkeypatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said = {
        "subject": "Ben", "relation": "sport", "value": "rows",
        "questions": ["which sport does Ben do?"],
    }  # fmt: skip
    with running() as model:
        model.script = lambda asked: json.dumps(said)
        where = ("--model", "small", "--base-url", f"{model.url}/v1")
        told = run("weights", "teach", *where).stdout
        assert told.strip() == "1 fact noted, 0 refused, 0 withheld"
        assert len(model.asked) == 1 and "Ben rows" in model.asked[0].last[1]
        model.script = lambda asked: "{}"
        kind = parsed(run("cat", ids[0], "--json"))[0]["kind"]
        nothing = parsed(run("weights", "teach", *where, "--kind", kind, "--json"))
    assert set(nothing["refused"]) == set(ids[:2]) and not nothing["noted"]
    noted = parsed(run("cat", ids[2], "--json"))[0]["metadata"]
    assert (noted["value"], noted["questions"]) == ("rows", ["which sport does Ben do"])


def test_without_a_key_nothing_leaves(run, ids, monkeypatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "OPENAI_API_KEY" in run("weights", "teach", "--model", "x", expect=2).stderr
