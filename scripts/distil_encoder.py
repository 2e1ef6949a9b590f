"""Makes what reads the bundled static model's rows, `src/mnemon/models/context/encoder.npz`.

The rows stay as `distil_static.py` made them; the encoder is trained so that with it they give what
all-MiniLM-L6-v2 gives a text (`distil/reading.py`). From the repository root, with the texts and
the environment of that script:

    .venv-distil/bin/python scripts/distil_encoder.py --texts texts.txt.xz --device cuda

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
from distil.reading import Rows
from distil.teacher import Teacher
from distil.tokens import Tokens
from distil_static import packaged_teacher

from mnemon.models import context_model, static_model
from mnemon.models.context_encoder import WINDOW, Encoder

MIN_COSINE = 0.999  # of what is written, in half precision, with what was trained


def main() -> None:
    options = arguments()
    teacher = options.teacher or packaged_teacher()
    device, tokens = torch.device(options.device), Tokens(teacher)
    texts = textfile.read(options.texts)
    corpus = Corpus(tokens.ids([text for _, text in texts]), device)
    print(f"{len(corpus.lengths)} texts of {len(corpus.tokens)} tokens", flush=True)
    rows = Rows(static_model.load(static_model.BUNDLED), tokens.size, device)
    trained = reading.train(Teacher(teacher, device), rows, corpus, options.batch, options.seconds)
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "encoder.npz"
    np.savez(file, **trained.encoder.written().arrays())  # type: ignore[arg-type]
    machine = f"one {torch.cuda.get_device_name()}" if options.device == "cuda" else "a CPU"
    told = textfile.counts(texts), options.seconds, options.batch, machine
    card.write_encoder(file, teacher, trained, *told)
    if wrong := unlike(file, trained.encoder.cpu(), tokens):
        sys.exit("\n".join(["the written encoder is not the one that was trained:", *wrong]))
    print(f"{file} is written")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=Path, required=True, help="made by distil_texts.py")
    parser.add_argument("--seconds", type=float, default=400, help="of training")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--batch", type=int, default=2048, help="texts in a step")
    parser.add_argument("--teacher", type=Path, help="a folder with it, if not its package")
    parser.add_argument("--out", type=Path, default=context_model.FOLDER, help="a folder")
    return parser.parse_args()


@torch.no_grad()
def unlike(file: Path, encoder: torch.nn.Module, tokens: Tokens) -> list[str]:
    """What the encoder in a file answers otherwise than the one that was trained, in words."""
    rows = Rows(static_model.load(static_model.BUNDLED), tokens.size, torch.device("cpu"))
    with np.load(file) as held:
        written, found = Encoder.of(held), []
    for text, ids in zip(checks.PROBES, tokens.ids(checks.PROBES), strict=True):
        known = [id for id in ids if id != tokens.unknown][:WINDOW]
        batch = Batch(torch.tensor([known]), torch.ones(1, len(known), dtype=torch.bool))
        told = rows(batch)
        wanted = encoder(told, batch.mask)[0].numpy()
        made = written.added(told[0].numpy())
        cosine = float(made @ wanted / np.linalg.norm(made) / np.linalg.norm(wanted))
        if cosine < MIN_COSINE:
            found.append(f"{text[:40]!r}: the cosine is {cosine:.4f}, under {MIN_COSINE}")
    return found


if __name__ == "__main__":
    main()
