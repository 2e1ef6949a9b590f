from __future__ import annotations

from typing import Any

import pytest
import torch

from mnemon.bench.kv import answering
from mnemon.bench.kv.cases import Case, cases
from mnemon.bench.kv.cells import Cell
from mnemon.bench.kv.loading import Which
from mnemon.bench.kv.regimes import REGIMES


@pytest.fixture(scope="module")
def model() -> Any:
    torch.set_num_threads(1)
    return Which("nano").load().model


def _cell(regime: str, task: str, questions: int, tokens: int = 0, length: int = 200) -> Cell:
    return Cell(regime, task, length, "recency", "0.25", 2, questions, tokens, 0)


def _greedy(model: Any, case: Case, policy: str, budget: str) -> bool:
    """The answer by decoding token by token, as a user would get it."""
    asking = answering.Asking(model)
    cache = answering.make_cache(model, policy, budget, still=True)
    (turn,) = case.turns
    with torch.inference_mode():
        asking.run(cache, asking.tensor([case.context]))
        token = asking.run(cache, asking.tensor([turn.question]))[:, -1].argmax(-1)
        said = [int(token)]
        while len(said) < len(turn.answer):
            token = asking.run(cache, token[:, None])[:, -1].argmax(-1)
            said.append(int(token))
    return tuple(said) == turn.answer


@pytest.mark.parametrize("policy", ["recency", "snapkv", "kivi(bits=2)", "full"])
@pytest.mark.parametrize("task", ["niah_single", "kv"])
def test_one_pass_tells_what_greedy_decoding_would(model: Any, policy: str, task: str) -> None:
    asked = cases(_cell("agnostic", task, 1))
    told = answering.ask(model, "agnostic", policy, "0.4", asked)
    assert told.right == [_greedy(model, one, policy, "0.4") for one in asked]


@pytest.mark.parametrize("regime", [one for one in REGIMES if one != "perplexity"])
def test_a_full_budget_answers_as_the_plain_model_in_every_regime(model: Any, regime: str) -> None:
    asked = cases(_cell(regime, "kv", {"agnostic": 1, "aware": 1}.get(regime, 3)))
    full = answering.ask(model, regime, "full", "1.0", asked)
    same = answering.ask(model, regime, "recency", "1.0", asked)
    assert same.right == full.right and sum(full.right) > len(full.right) / 2
    assert same.full == full.full == full.held
    assert full.held <= same.held < 1.01 * full.held  # it remembers positions too


def test_an_aware_prompt_keeps_what_the_question_asks(model: Any) -> None:
    asked = cases(_cell("aware", "niah_single", 1))
    told = answering.ask(model, "aware", "recency", "0.25", asked)
    prompt = len(asked[0].context) + len(asked[0].turns[0].question) - asked[0].turns[0].cue
    assert told.full == 2 * prompt * 2 * model.config.num_hidden_layers * (
        model.config.num_key_value_heads * model.config.head_dim * 4
    )


def test_a_still_budget_holds_while_tokens_come(model: Any) -> None:
    asked = cases(_cell("decode", "kv", 0, tokens=192, length=420))
    later = sum(asked[0].shape) - len(asked[0].context)
    told = answering.ask(model, "decode", "recency", "96", asked)
    assert 150 < later <= 192
    assert len(told.right) == 2 * (len(asked[0].turns) - len(asked[0].turns) * 2 // 3)
    # 72 tokens are stored, and up to 63 gather in the tail before they are compressed.
    assert told.most is not None and told.most <= 1.01 * (72 + 63) / 96


def test_a_context_is_asked_as_many_questions_as_it_answers() -> None:
    (few,) = cases(Cell("shared", "vt", 1024, "recency", "0.25", 1, 4, 0, 0))
    (all_of_them,) = cases(Cell("shared", "kv", 256, "recency", "0.25", 1, 4, 0, 0))
    assert (len(few.turns), len(all_of_them.turns)) == (1, 4)


def test_perplexity_of_a_full_budget_is_the_plain_models(model: Any) -> None:
    asked = cases(_cell("perplexity", "plain", 0))
    full = answering.ask(model, "perplexity", "full", "1.0", asked)
    same = answering.ask(model, "perplexity", "recency", "1.0", asked)
    less = answering.ask(model, "perplexity", "recency", "0.1", asked)
    assert same.nll == pytest.approx(full.nll, rel=1e-6) and full.tokens == 2 * (200 - 1 - 100)
    assert less.nll != full.nll


@pytest.mark.parametrize(
    ("text", "unit"),
    [("0.25", "fraction"), ("1.0", "fraction"), ("64", "tokens"), ("2MB", "bytes")],
)
def test_a_budget_is_read_as_it_is_written(text: str, unit: str) -> None:
    assert answering.budget_of(text).unit == unit
