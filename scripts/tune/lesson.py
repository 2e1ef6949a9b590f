"""A lesson: what a teacher finds near each other, for a student to find near too.

"Distilling the Knowledge in a Neural Network", Hinton et al. 2015, https://arxiv.org/abs/1503.02531:
the student's distribution comes to be the teacher's. How ours differs: it is a softmax of cosines
over all turns of a conversation, and what is asked in one conversation is also asked of another's
turns and of lines of talk: nobody said what answers it there, but the teacher knows what is near.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from tune.conversations import Conversation

SHARP = 20.0
"""What cosines are multiplied with before the softmax, the student's and the teacher's."""
ASKED, COMPARED = 48, 96  # the other's own questions and turns in one step


class Known(NamedTuple):
    """A teacher's unit vectors of a conversation's turns [N, D] and of its questions [Q, D]."""

    turns: Tensor
    questions: Tensor


@dataclass(frozen=True)
class Lesson:
    """What a teacher knows of conversations, by id, and lines of `talk` that it knows too."""

    known: Mapping[str, Known]
    talk: Sequence[Conversation]

    def elsewhere(
        self, student: Any, one: Conversation, chosen: Sequence[int], other: Conversation,
        draw: random.Random,
    ) -> Tensor:  # fmt: skip
        """How far the student is from the teacher where nothing is labelled: for questions of
        `one`, some of `other`'s own and some of its turns, all asked of the other's turns."""
        known, turns = self.known[other.id], student.turns(other)
        asked = [student.questions(one, chosen)]
        meant = [self.known[one.id].questions[list(chosen)]]
        own = draw.sample(range(len(other.questions)), min(ASKED, len(other.questions)))
        if own:
            asked.append(student.questions(other, own))
            meant.append(known.questions[own])
        loss = apart(torch.cat(asked) @ turns.T, torch.cat(meant) @ known.turns.T)
        some = draw.sample(range(len(turns)), min(COMPARED, len(turns)))
        others = torch.ones(len(some), len(turns), dtype=torch.bool, device=turns.device)
        others[range(len(some)), some] = False
        return loss + apart(turns[some] @ turns.T, known.turns[some] @ known.turns.T, others)


def apart(student: Tensor, teacher: Tensor, kept: Tensor | None = None) -> Tensor:
    """How far a student's distribution over turns is from the teacher's, given cosines [Q, N]; only
    those `kept` bool [Q, N] count."""
    if kept is not None:
        student, teacher = (one.masked_fill(~kept, -1.0) for one in (student, teacher))
    wanted = functional.log_softmax(SHARP * teacher, dim=1)
    made = functional.log_softmax(SHARP * student, dim=1)
    found: Tensor = functional.kl_div(made, wanted, reduction="batchmean", log_target=True)
    return found
