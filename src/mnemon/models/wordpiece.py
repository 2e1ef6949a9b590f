"""BERT's uncased word-pieces: text to the ids of the longest known pieces, greedily from the left.

Text is cleaned of control characters, stripped of accents and lower-cased; it is cut at white space
and around each punctuation mark and each Chinese character; each word is cut into the longest
pieces that the vocabulary knows, where `##` marks a piece that continues a word.
Paper: Devlin et al. 2018 (https://arxiv.org/abs/1810.04805); longest match first after Wu et al.
2016 (https://arxiv.org/abs/1609.08144). Official code: google-research/bert `tokenization.py`
(https://github.com/google-research/bert/blob/master/tokenization.py, Apache-2.0); this file is
written anew.
How ours differs: like Hugging Face `tokenizers`, and unlike the official code, a special token
written in the text is that token, a word may have 100 characters rather than 200, and capital sigma
always becomes σ. The ids equal those of `tokenizers` for any text; a test says so.
Limits: a word of more than 100 characters, or with a part that is no piece, is one `[UNK]`.

No threads, and no state but two bounded caches: what a word and what a character become.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from mnemon.errors import InvalidInput, InvalidText
from mnemon.models.bert_characters import is_dropped, is_ideograph, is_punctuation

__all__ = ["WordPiece"]

UNKNOWN = "[UNK]"
SPECIAL = ("[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]")
MAX_WORD = 100  # characters
UNKNOWN_BYTES = 4  # of an unknown word that are counted as a piece
# English has some 30,000 words in common use; a full cache takes a few MB.
CACHED_WORDS, CACHED_CHARACTERS = 2**15, 2**13
# A longer text is cut up in parts, so that its words never lie in memory all at once.
PART_CHARACTERS = 2**15
# Before any of these a word ends, so the parts have the pieces of the whole.
_GAP = re.compile(r"[ \n.,;\u4e00-\u9fff]")
# ASCII that must be dropped without ending a word, which the pattern for words cannot do.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ASCII_WORD = r"[A-Za-z0-9]+|[!-/:-@\[-`{-~]"


class WordPiece:
    """Word-pieces of English text by a vocabulary, without special tokens around them.

    Attributes:
        size: V, the number of pieces; ids are 0 to V - 1.
        unknown: the id of `[UNK]`.
    """

    __slots__ = ("_characters", "_find", "_pieces", "_special", "size", "unknown")

    def __init__(self, vocabulary: Sequence[str] | Path) -> None:
        """Takes the pieces in the order of their ids, or a UTF-8 file with one on each line.

        Raises:
            InvalidInput: a piece occurs twice, or none is `[UNK]`.
            OSError: the file cannot be read.
        """
        if isinstance(vocabulary, Path):
            # Not `splitlines`, which also cuts at a dozen characters that a piece may have.
            vocabulary = vocabulary.read_text("utf-8").removesuffix("\n").split("\n")
        ids = {piece: id for id, piece in enumerate(vocabulary)}
        if UNKNOWN not in ids or len(ids) != len(vocabulary):
            raise InvalidInput(
                f"this is no vocabulary of word-pieces: {len(vocabulary)} lines, {len(ids)} "
                f"different ones, {UNKNOWN} {'' if UNKNOWN in ids else 'not '}among them"
            )
        special = [token for token in SPECIAL if token in ids]
        pattern = "|".join(map(re.escape, special))
        self.size, self.unknown = len(ids), ids[UNKNOWN]
        self._pieces = _Pieces(ids, special)
        self._characters = _Characters()
        self._special = re.compile(f"({pattern})")
        self._find = re.compile(f"{pattern}|{_ASCII_WORD}").findall

    def ids(self, text: str) -> list[int]:
        """The id of each word-piece of `text`, `[UNK]` included.

        Raises:
            InvalidText: it is no str, or has a lone surrogate.
        """
        return list(chain.from_iterable(self._by_word(text)))

    def count(self, text: str) -> int:
        """The number of word-pieces of `text`, exactly; an unknown word counts as one for each
        `UNKNOWN_BYTES` bytes begun, about what a language model makes of it.

        Raises:
            InvalidText: it is no str, or has a lone surrogate.
        """
        return sum(map(self._count, _whole(text)))

    def _count(self, part: str) -> int:
        words = self._words(part)
        found = list(map(self._pieces.__getitem__, words))
        total = sum(map(len, found))
        if (unknown := (self.unknown,)) in found:
            pairs = zip(words, found, strict=True)
            total += sum(
                (len(word.encode()) - 1) // UNKNOWN_BYTES for word, ids in pairs if ids == unknown
            )
        return total

    def _by_word(self, text: str) -> Iterable[tuple[int, ...]]:
        pieces = self._pieces.__getitem__
        return chain.from_iterable(map(pieces, self._words(part)) for part in _whole(text))

    def _words(self, text: str) -> list[str]:
        if text.isascii() and not _CONTROL.search(text):
            return self._find(text)  # in the case they are written in
        words: list[str] = []
        # Splitting by a group leaves what it matched at the odd places.
        for place, part in enumerate(self._special.split(text)):
            words += (part,) if place % 2 else part.translate(self._characters).split()
        return words


class _Pieces(dict[str, tuple[int, ...]]):
    """The ids of each word, looked up once: `self[word]`, in any case if it is ASCII."""

    __slots__ = ("_first", "_longest", "_next", "_special", "_unknown")

    def __init__(self, ids: dict[str, int], special: Sequence[str]) -> None:
        super().__init__()
        self._special = {token: (ids[token],) for token in special}
        self._unknown = (ids[UNKNOWN],)
        self._next = {piece[2:]: id for piece, id in ids.items() if piece.startswith("##")}
        self._first = ids
        self._longest = max(map(len, ids))

    def __missing__(self, word: str) -> tuple[int, ...]:
        if len(word) > MAX_WORD:
            return self._unknown
        found = self._special.get(word) or self._cut(word.lower() if word.isascii() else word)
        if len(self) >= CACHED_WORDS:
            self.clear()
        self[word] = found
        return found

    def _cut(self, word: str) -> tuple[int, ...]:
        pieces, found, start = self._first, [], 0
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                if (id := pieces.get(word[start:end])) is not None:
                    break
            else:
                return self._unknown
            found.append(id)
            pieces, start = self._next, end
        return tuple(found)


class _Characters(dict[int, str]):
    """What becomes of each character, for `str.translate`; a space is an end of a word."""

    __slots__ = ()

    def __missing__(self, code: int) -> str:
        if len(self) >= CACHED_CHARACTERS:
            self.clear()
        self[code] = found = _normalised(code)
        return found


def _normalised(code: int) -> str:
    """One character without accents and in lower case, between spaces where it stands alone.

    Taking them one by one is exact: decomposing a whole text differs only in the order of marks
    that follow each other, and those are dropped or in no vocabulary.
    """
    if 0xD800 <= code <= 0xDFFF:
        raise InvalidText(
            f"a text with the lone surrogate U+{code:04X} cannot be tokenised: "
            "every text must be valid Unicode"
        )
    char = chr(code)
    # The line ends among control characters are white space, as Python also has it.
    if is_dropped(code):
        return ""
    if char.isspace():
        return " "
    found = "".join(map(_alone, unicodedata.normalize("NFD", char)))
    return f" {found} " if is_ideograph(code) else found


def _alone(char: str) -> str:
    if is_dropped(ord(char)):
        return ""
    return f" {char} " if is_punctuation(ord(char)) else char.lower()


def _whole(text: str) -> Iterable[str]:
    """A text, in parts if it is long."""
    if not isinstance(text, str):
        raise InvalidText(f"{text!r} cannot be tokenised: every text must be a str")
    return (text,) if len(text) <= PART_CHARACTERS else _parts(text)


def _parts(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        gap = _GAP.search(text, start + PART_CHARACTERS)
        end = gap.start() if gap else len(text)
        yield text[start:end]
        start = end
