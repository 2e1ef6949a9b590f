from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from mnemon.bench.kv.cases import cases
from mnemon.bench.kv.cells import Cell
from mnemon.bench.kv.loading import Which

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that reads bytes, and knows nothing."""
    made = tmp_path_factory.mktemp("model")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytewise = Tokenizer(models.BPE({one: place for place, one in enumerate(letters)}, []))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=bytewise).save_pretrained(made)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=256, hidden_size=32, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=4096,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(made)
    return made


def test_tasks_reach_another_model_as_text_in_its_own_tokens(folder: Path) -> None:
    tokenizer = Which(str(folder)).tokenizer()
    (case,) = cases(Cell("agnostic", "niah_single", 96, "recency", "0.5", 1, 1, 0, 0), tokenizer)
    (turn,) = case.turns
    assert tokenizer.decode(turn.question).startswith(" Q : what is the code for")
    assert tokenizer.decode(turn.question[-turn.cue :]) == " A :"
    said = tokenizer.decode(turn.answer)
    assert said in tokenizer.decode(case.context) and "<eos>" not in said


def test_policies_are_measured_on_another_model(run: Run, folder: Path) -> None:
    done = run("--model", str(folder), "--lengths", "96", "--no-speed", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["context"]["language"] == "text" and told["caveat"] is None
    assert {row["prompt_tokens"] > 96 for row in told["rows"]} == {True}
    assert all(row["held"] <= 1.02 * float(row["budget"]) for row in told["rows"])


def test_what_it_cannot_be_asked_is_said(run: Run, folder: Path, tmp_path: Path) -> None:
    options = ("--regimes", "perplexity", "--no-speed", "--lengths", "96")
    done = run("--model", str(folder), *options)
    assert "only recall-lm speaks" in done.stdout
    missing = run("--model", str(tmp_path / "none"), *options)
    assert missing.exit_code == 2 and "cannot be loaded" in missing.stderr
