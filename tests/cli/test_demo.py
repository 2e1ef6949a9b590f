import json
import re


def test_the_bundled_conversation_tells_honest_totals(run, store):
    shown = run("demo").stdout
    assert "12/12" in shown and "known answer" in shown
    whole, some, none = map(
        int, re.search(r"all of it for (\d+), some for (\d+), none for (\d+)", shown).groups()
    )
    assert whole + some + none == 11
    assert "never said; the best of what was found scores" in shown.replace("\n      ", " ")
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown
    assert not store.exists()


def test_ones_own_question_into_the_store(run, store):
    shown = run("demo", "--ask", "Who is the contractor?", "--keep", "-n", "sample").stdout
    assert "1/1" in shown and "known answer" not in shown
    assert run("search", "contractor", "-n", "sample").exit_code == 0


def _locomo(path):
    talk = {
        "speaker_a": "Ana",
        "speaker_b": "Ben",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ana", "dia_id": "D1:1", "text": "I adopted a greyhound."},
            {"speaker": "Ben", "dia_id": "D1:2", "text": "What is it called?"},
        ],
    }
    asked = {"question": "What did Ana adopt?", "answer": "a greyhound", "category": 4}
    trick = {"question": "Why did Ben adopt?", "adversarial_answer": "?", "category": 5}
    qa = [asked | {"evidence": ["D1:01; D1:2"]}, trick | {"evidence": ["D1:1"]}]
    samples = [{"sample_id": name, "qa": qa, "conversation": talk} for name in ("c1", "c2")]
    path.write_text(json.dumps(samples), "utf-8")
    return str(path)


def test_locomo_brings_its_questions(run, tmp_path):
    data = _locomo(tmp_path / "locomo10.json")
    shown = run("demo", "--data", data).stdout
    assert shown.startswith("2 turns of Ana and Ben, 2023-05-08")
    assert "evidence recalled: 2 of 2" in shown.replace("\n      ", " ")
    assert "1 asked about what was never said" in shown
    run("demo", "--data", data, "--sample", "c2")
    assert "there are c1, c2" in run("demo", "--data", data, "--sample", "c9", expect=1).stderr


def test_other_histories_say_how_to_ask(run, tmp_path):
    chat = tmp_path / "chat.jsonl"
    chat.write_text('{"speaker": "Ana", "text": "I moved to Lisbon."}\n', "utf-8")
    assert "ask your own" in run("demo", "--data", str(chat)).stdout
    run("demo", "--data", str(chat), "--sample", "x", expect=2)
