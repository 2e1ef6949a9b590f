"""Questions and messages made of 71 patterns and WordNet's frequent words.

They make little sense, but show the student how chats and questions about them are worded.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

# {N} is a name, {n} and {n2} are nouns, {v} and {v2} verbs, {adj} is an adjective.
QUESTIONS = (
    "What did {N} say about the {n}?",
    "When did {N} {v} the {n}?",
    "Where does {N} keep the {n}?",
    "Why did {N} {v}?",
    "What kind of {n} does {N} have?",
    "Who gave {N} the {n}?",
    "How many {n}s does {N} own?",
    "What is {N}'s favorite {n}?",
    "How does {N} feel about {n}?",
    "What does {N} do to {v}?",
    "Which {n} did {N} choose for the {n2}?",
    "When is {N}'s {n}?",
    "What {adj} {n} did {N} see?",
    "Did {N} ever {v} a {n}?",
    "What made {N} {v}?",
    "What happened to {N}'s {n}?",
    "Is {N} {adj}?",
    "What are {N}'s plans for the {n}?",
    "What does {N} think of {adj} {n}?",
    "How long has {N} had the {n}?",
    "What advice did {N} give about {n}?",
    "Where did {N} go to {v}?",
    "What inspired {N} to {v}?",
    "Who is {N}'s {n}?",
    "What was {N} doing at the {n}?",
    "whats the name of {N}s {n}",
    "which {n} is {N} working on?",
    "does {N} like {n}?",
    "What {n} and {n2} did they talk about?",
    "Would {N} be interested in {n}?",
    "How did {N} {v} the {n} with {n2}?",
    "Which {n}s has {N} tried?",
    "What did {N} buy?",
    "What job does {N} have?",
    "What would {N} need for the {n}?",
)
MESSAGES = (
    "I just got a new {n}!",
    "We had to {v} the {n} yesterday.",
    "My {n} is so {adj} lol",
    "omg the {n} was {adj}",
    "I've been trying to {v} for weeks now.",
    "{N} told me about the {n}, it sounded {adj}.",
    "Can you {v} the {n} tomorrow?",
    "I'm thinking of buying a {n} for the {n2}.",
    "The {n} near the {n2} is closed again ugh",
    "Yeah I love {n} and {n2}.",
    "My {n} said the {n2} looks {adj}.",
    "haha no i forgot the {n}",
    "Last week we went to see the {n} with {N}.",
    "I used to {v} every morning before the {n}.",
    "ok so the {n} is at 10 and the {n2} after",
    "It was a {adj} {n}, really.",
    "[photo: a {adj} {n} next to a {n2}]",
    "I can't {v} because of my {n}.",
    "They want me to {v} a {n} for them.",
    "Took the {n} to the {n2}, all good now.",
    "I finally managed to {v} the {n}.",
    "ngl the {n} is kinda {adj}",
    "So happy about the {n}, thanks {N}!",
    "reminder: {v} {n}",
    "We are moving the {n} to {n2}.",
    "I studied {n} at school and now I work with {n2}.",
    "The doctor says my {n} needs a {n2}.",
    "Mom made {n} with {n2} for dinner.",
    "Our {n} won the {n2}!",
    "I feel {adj} about the {n}.",
    "Started learning {n} two months ago.",
    "There is a {n} in the {n2}.",
    "My sister's {n} ran away from the {n2}.",
    "we should {v} a {n} this weekend",
    "I'd rather {v} than {v2}.",
    "the blue {n} for me pls",
)
NAMES = (
    "Anna Ben Carla David Emma Felix Grace Hugo Iris Jack Kim Leo Maria Nick Olga Paul Rosa Sam "
    "Tina Victor Wendy Yusuf Zoe Priya Diego Mei Omar Lucia Tom Kate"
)
# WordNet's numbers for parts of speech; 5 is an adjective that stands beside another.
_NOUN, _VERB, _ADJECTIVE = "1", "2", "35"
_EMPTY_VERBS = {"be", "have", "do"}
# Frequent words are taken more often: the place in the list is a random share to this power.
_SKEW = 1.7


@dataclass(frozen=True)
class Words:
    """What fills the patterns, the most frequent first."""

    nouns: list[str]
    verbs: list[str]
    adjectives: list[str]


def frequent(counts: str) -> Words:
    """The most frequent words of WordNet's `cntlist.rev`, given as its text."""
    found: Counter[tuple[str, str]] = Counter()
    for line in counts.splitlines():
        sense, *_, count = line.split()
        word, rest = sense.split("%")
        found[word, rest[0]] += int(count)
    ranked = sorted(found, key=lambda entry: -found[entry])

    def first(kinds: str, count: int) -> list[str]:
        return [word.replace("_", " ") for word, kind in ranked if kind in kinds][:count]

    # Three verbs more, since those that say nothing are taken out.
    verbs = [word for word in first(_VERB, 2503) if word not in _EMPTY_VERBS]
    return Words(first(_NOUN, 9000), verbs, first(_ADJECTIVE, 3500))


def filled(words: Words, count: int, seed: int = 0) -> list[str]:
    """`count` different texts, sorted; the same ones for the same words and seed."""
    dice, names = random.Random(seed), NAMES.split()

    def pick(among: list[str]) -> str:
        return among[int(len(among) * dice.random() ** _SKEW)]

    texts: set[str] = set()
    while len(texts) < count:
        pattern = dice.choice(QUESTIONS if dice.random() < 0.5 else MESSAGES)
        text = pattern.format(
            N=dice.choice(names),
            n=pick(words.nouns),
            n2=pick(words.nouns),
            v=pick(words.verbs),
            v2=pick(words.verbs),
            adj=pick(words.adjectives),
        )
        texts.add(text)
    return sorted(texts)
