"""What a question speaks of and nobody here ever did: a sign that the answer is not here."""

from __future__ import annotations

import re

import numpy as np

from mnemon import analysis
from mnemon.store.view import View
from mnemon.text.query import Query
from mnemon.text.retrieve._named import whom, words_of_speakers

_LATER_WORD = re.compile(r"(?<=[^\s.?!:…\"“] )\w[\w-]*")  # not one that a sentence begins with


def unheard(view: View, query: Query) -> tuple[float, bool]:
    """The share 0 to 1 of a question's terms, by rarity, that no cube holds; and whether a name
    (a word with a capital inside a sentence) is among them. Names of those who speak are known."""
    holders = np.array([view.frequency[term] for term in query.terms], dtype=np.float64)
    if holders.all():
        return 0.0, False
    ours = words_of_speakers(view) | whom(view, query).words
    known = {term for word in ours for term in analysis.terms(word)}
    missing = np.array([term not in known for term in query.terms]) & (holders == 0)
    rarity = np.log1p((view.population - holders + 0.5) / (holders + 0.5))
    words = {term for term, lacks in zip(query.terms, missing, strict=True) if lacks}
    return float(rarity[missing].sum() / rarity.sum()), _names_any(query.text, words)


def _names_any(text: str, words: set[str]) -> bool:
    named = (word for word in _LATER_WORD.findall(text) if word[0].isupper())
    return any(words.issuperset(terms) for word in named if (terms := analysis.query_terms(word)))
