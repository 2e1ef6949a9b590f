"""How a model is asked about a fact: one text, with a place for the question, and one for what is
answered.

    Q : {question} ? A :
    <|im_start|>user\\n{question}?<|im_end|>\\n<|im_start|>assistant\\n{answer}<|im_end|>\\n

The first, without `{answer}`, is short: the tokenizer's first token goes before it, a space and the
answer behind it, the tokenizer's last token at the end. The second is told in full. Training,
readers, gates, verification and the runtime all ask by way of here; an adapter's header has the
text that it was taught with as its option `ask`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mnemon.errors import InvalidInput
from mnemon.models.template import PLAIN, Template, speaks_recall, special, template_of

ASK = "Q : {question} ? A :"
"""How the bundled recall model is asked."""
_MARKS = re.compile(r"[\s?]+$")
_QUESTION, _ANSWER = "{question}", "{answer}"


@dataclass(frozen=True, slots=True)
class Ask:
    """One way to ask.

    Attributes:
        form: the text.
    """

    form: str

    def __post_init__(self) -> None:
        """Raises InvalidInput where a place is missing, twice there, or in the wrong order."""
        if self.form.count(_QUESTION) != 1:
            raise InvalidInput(
                f"{self.form!r} has not one place for the question: put {{question}} in it, once"
            )
        if _ANSWER in self._before or self.form.count(_ANSWER) > 1:
            raise InvalidInput(f"{self.form!r}: {{answer}} stands once, and after {{question}}")

    @property
    def _before(self) -> str:
        return self.form.partition(_QUESTION)[0]

    @property
    def _between(self) -> str:
        return self.form.partition(_QUESTION)[2].partition(_ANSWER)[0]

    @property
    def _full(self) -> bool:
        return _ANSWER in self.form

    def bare(self, text: str) -> str | None:
        """The question in a text that is put this way already; None if it is not."""
        told, before, after = text.strip(), self._before.strip(), self._between.strip()
        room = len(told) >= len(before) + len(after)
        if not (room and told.startswith(before) and told.endswith(after)):
            return None
        return told[len(before) : len(told) - len(after)].strip()

    def text(self, question: str, context: str = "") -> str:
        """A question as it is put: up to where the answer begins.

        Args:
            question: as a person asks it, with a question mark or without; or put this way already.
            context: what is told before it.
        """
        asked = self.bare(question)
        asked = question.strip() if asked is None else asked
        if self._between.lstrip().startswith("?"):
            asked = _MARKS.sub("", asked)
        if not self._full:
            put = f"{self._before}{asked}{self._between}"
            return f"{context} {put}".strip()
        # A space before the answer belongs to the answer's tokens.
        told = f"{context}\n" if context else ""
        return f"{self._before}{told}{asked}{self._between}".rstrip(" ")

    def prompt(self, tokenizer: Any, question: str, context: str = "") -> list[int]:
        """Token ids of a question as it is put. Nothing in it or the context can pass for a special
        token."""
        return self._ids(tokenizer, self._put(tokenizer, question, context))

    def answer(self, tokenizer: Any, question: str, value: str) -> list[int]:
        """Token ids of an answer, as it goes on from the prompt of its question, and of its end."""
        put, said = self._put(tokenizer, question), _said(tokenizer, value)
        # Together, then cut: an answer may begin with the space before it.
        prompt, whole = (self._ids(tokenizer, one) for one in (put, f"{put}{self._lead}{said}"))
        ids = whole[len(prompt) :]
        if whole[: len(prompt)] != prompt:
            ids = tokenizer(said, add_special_tokens=False).input_ids
        return [*ids, *self._end(tokenizer)]

    def ends(self, tokenizer: Any) -> frozenset[int]:
        """Tokens that end an answer."""
        last = tokenizer.eos_token_id
        return frozenset([*self._end(tokenizer)[:1], *([] if last is None else [last])])

    @property
    def _lead(self) -> str:
        between = self._between
        return between[len(between.rstrip(" ")) :] if self._full else " "

    def _put(self, tokenizer: Any, question: str, context: str = "") -> str:
        asked = self.bare(question)
        said = _said(tokenizer, question if asked is None else asked)
        return self.text(said, _said(tokenizer, context))

    def _end(self, tokenizer: Any) -> list[int]:
        if after := self.form.partition(_ANSWER)[2].strip():
            ids: list[int] = tokenizer(after, add_special_tokens=False).input_ids
            return ids
        return [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]

    def _ids(self, tokenizer: Any, put: str) -> list[int]:
        ids: list[int] = tokenizer(put, add_special_tokens=False).input_ids
        first = None if self._full else tokenizer.bos_token_id
        return ids if first is None else [first, *ids]


def own(tokenizer: Any) -> Ask:
    """How the model of a tokenizer is asked: by its chat template if it has one, as `Runtime` does.

    A template that tells the day tells always the same one: what was taught is asked for on others.

    Raises:
        InvalidInput: its chat template does not write each message once and in order.
    """
    if getattr(tokenizer, "chat_template", None):
        return Ask(_chat(template_of(tokenizer, dated=False), tokenizer))
    return Ask(ASK if speaks_recall(tokenizer) else f"{PLAIN.asking}{_QUESTION}?{PLAIN.answering}")


def asking(tokenizer: Any, form: str | None) -> Ask:
    """By a text of the user's, or as the model is asked."""
    return own(tokenizer) if form is None else Ask(form)


def _chat(told: Template, tokenizer: Any) -> str:
    first = tokenizer(told.between.lstrip(), add_special_tokens=False).input_ids[:1]
    ended = special(tokenizer).issuperset(first) and bool(first)
    end = tokenizer.convert_ids_to_tokens(first[0]) if ended else ""
    return f"{told.head}{told.asking}{_QUESTION}?{told.answering}{told.lead}{_ANSWER}{end}"


def _said(tokenizer: Any, text: str) -> str:
    """A text without what would be read as special tokens."""
    for token in tokenizer.convert_ids_to_tokens(sorted(special(tokenizer))):
        if token != tokenizer.unk_token:
            text = text.replace(token, "")
    return text
