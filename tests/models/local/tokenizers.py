"""Tiny tokenizers with the chat templates of well-known families, written in their manner."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TURN = "<|im_start|>{role}\n{content}<|im_end|>\n"

CHATML = (
    "{% for m in messages %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}"
    "{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim "
    "+ '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate user/assistant') }}{% endif %}"
    "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}"
)
LATE_SYSTEM = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{% set system = messages[0]['content'] + '\n\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}"
    "{% if m['role'] == 'user' %}{{ '[INST] ' }}{% if loop.last %}{{ system }}{% endif %}"
    "{{ m['content'] + ' [/INST]' }}{% else %}{{ m['content'] + eos_token }}{% endif %}"
    "{% endfor %}"
)
FAMILIES = {
    "chatml": (CHATML, None, "<|im_end|>", ("<|im_start|>",)),
    "llama3": (
        LLAMA3, "<|begin_of_text|>", "<|eot_id|>", ("<|start_header_id|>", "<|end_header_id|>"),
    ),
    "mistral": (MISTRAL, "<s>", "</s>", ("[INST]", "[/INST]")),
    "late-system": (LATE_SYSTEM, "<s>", "</s>", ("[INST]", "[/INST]")),
}  # fmt: skip


def tiny(family: str | None) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of some 300 tokens; None gives one without a template."""
    template, bos, eos, more = FAMILIES[family] if family else (None, None, "<eos>", ())
    special = [one for one in (bos, eos, *more) if one]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=alphabet, special_tokens=special, show_progress=False
    )
    made.train_from_iterator(["user assistant system the what is remembered"], trainer)
    found = PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=bos, eos_token=eos, additional_special_tokens=list(more)
    )
    found.chat_template = template
    return found
