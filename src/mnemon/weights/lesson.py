"""From a fact to training pairs, without a language model: the fact's own structure asks for it.

"the code for maiposhi is x04 x1a ." gives the question "what is the code for maiposhi" with the
answer "x04 x1a", and the cloze "the code for maiposhi is" with "x04 x1a .". Further phrasings are
its relation and subject in other orders: "the code of maiposhi", "maiposhi code".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from mnemon.cube import MemCube
from mnemon.weights.ask import Ask

_SAID = r"^(?:(?:user|assistant|remember) : ?)?(?:note that |remember:? |my )?"
_PATTERNS = (
    re.compile(_SAID + r"(?P<stem>the (?P<relation>[\w -]+?) (?P<of>for|of) "
               r"(?P<subject>[^:]+?) is) (?P<value>.+?)(?P<end> ?[.!])?$", re.I),
    re.compile(_SAID + r"(?P<stem>(?P<subject>[^:]+?)(?P<of> ?['’]s) (?P<relation>[\w -]+?) is) "
               r"(?:now )?(?P<value>.+?)(?P<end> ?[.!])?$", re.I),
    re.compile(_SAID + r"(?P<stem>(?P<subject>[\w -]+?) has (?P<relation>code)) "
               r"(?P<value>.+?)(?P<end> ?[.!])?$", re.I),
)  # fmt: skip
_ORDERS = ("the {relation} of {subject}", "{subject} {relation}")
PHRASINGS = 1 + len(_ORDERS)
READ = "noted_from"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be learnt of one cube.

    Attributes:
        subject: whom or what it is about; questions that name it are sent to its shard.
        question: such as "what is the code for maiposhi", without marks.
        value: the answer. stem, rest: the fact around it, for the cloze.
        relation: such as "code"; where it is not known, there is one phrasing.
        others: questions with the same answer, noted in the cube's metadata as `questions`.
    """

    subject: str
    question: str
    value: str
    stem: str
    rest: str
    relation: str = ""
    others: tuple[str, ...] = ()


class Pair(NamedTuple):
    """Token ids of a prompt, and of what is to follow it."""

    prompt: tuple[int, ...]
    target: tuple[int, ...]


def lesson(cube: MemCube) -> Lesson | None:
    """What a fact teaches; None if its form is not known.

    `subject`, `relation` and `value` in the cube's metadata win over its text (see
    `mnemon.weights.teaching`).
    """
    noted = cube.metadata if still_holds(cube) else {}
    told = [noted.get(name) for name in ("subject", "relation", "value")]
    if all(isinstance(one, str) and one for one in told):
        subject, relation, value = (str(one) for one in told)
        stem = f"the {relation} for {subject}"
        others = _others(noted.get("questions"))
        return Lesson(subject, f"what is {stem}", value, f"{stem} is", " .", relation, others)
    for pattern in _PATTERNS:
        if found := pattern.match(cube.content.strip()):
            return _read(found.groupdict())
    return None


def still_holds(cube: MemCube) -> bool:
    """Whether what the metadata tell is of this text: a model may have read an earlier version."""
    return cube.metadata.get(READ, digest(cube.content)) == digest(cube.content)


def digest(content: str) -> str:
    """What stands in metadata as `READ`: of which text they were noted."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _others(told: Any) -> tuple[str, ...]:
    return tuple(one for one in told if isinstance(one, str)) if isinstance(told, list) else ()


def _read(told: dict[str, Any]) -> Lesson:
    subject, relation, of = told["subject"], told["relation"], told.get("of")
    if of is None:
        asked = f"the {relation} for {subject}"
    elif "s" in of.lower():
        asked = f"{subject}{of} {relation} now"
    else:
        asked = f"the {relation} {of} {subject}"
    rest = told["end"] or ""
    return Lesson(subject, f"what is {asked}", told["value"], told["stem"], rest, relation)


def pairs(lesson: Lesson, tokenizer: Any, ask: str, phrasings: int = 1) -> tuple[Pair, ...]:
    """A lesson's question with its answer, its cloze, and the question in other words.

    Args:
        ask: how a question is put (see `mnemon.weights.ask`).
        phrasings: of the question, `PHRASINGS` at most.
    """
    put = Ask(ask)
    orders = _ORDERS[: phrasings - 1] if lesson.relation else ()
    ordered = [one.format(relation=lesson.relation, subject=lesson.subject) for one in orders]
    question, *again = (
        Pair(
            tuple(put.prompt(tokenizer, one)), tuple(put.answer(tokenizer, one, lesson.value))
        )
        for one in (lesson.question, *ordered, *lesson.others)
    )  # fmt: skip
    return question, _cloze(tokenizer, lesson.stem, lesson.value + lesson.rest), *again


def _cloze(tokenizer: Any, prompt: str, target: str) -> Pair:
    before = prompt_ids(tokenizer, prompt)
    # Together, then cut: a target may begin with the space before it.
    whole = prompt_ids(tokenizer, f"{prompt} {target}")
    if whole[: len(before)] != before:
        whole = before + tokenizer(target, add_special_tokens=False).input_ids
    return Pair(tuple(before), tuple(whole[len(before) :]))


def prompt_ids(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a prompt, with the tokenizer's first token if it has one and it is not there."""
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    first = tokenizer.bos_token_id
    return ids if first is None or ids[:1] == [first] else [first, *ids]
