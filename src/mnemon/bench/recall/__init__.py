"""Recall tasks in a small language of their own: for models that were trained on it.

    from mnemon.bench.recall import sample, text
    one = sample("niah_multikey", 4096, seed=0)
    print(text(one.question), "→", text(one.answer))

In the manner of RULER (Hsieh et al. 2024, https://arxiv.org/abs/2404.06654; its code,
https://github.com/NVIDIA/RULER, is Apache-2.0 and none of it is here): phrases are planted in
filler, and the questions come after the context, so that what is kept of it is decided before they
are known.
"""

from mnemon.bench.recall.filler import Endless, Filler
from mnemon.bench.recall.planting import Question
from mnemon.bench.recall.sampling import TASKS, Sample, plain, sample
from mnemon.bench.recall.training import SHARES, training_sample
from mnemon.bench.recall.vocabulary import BOS, EOS, PAD, ids, text, words

__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "SHARES",
    "TASKS",
    "Endless",
    "Filler",
    "Question",
    "Sample",
    "ids",
    "plain",
    "sample",
    "text",
    "training_sample",
    "words",
]
