"""Forgotten: whether what was forgotten is gone from every form, looked at rather than believed.

    asked = questions(memory, [cube.id])
    receipt = memory.forget(cube.id, purge=True)
    report = verify(memory, receipt, asked, model="recall-lm")
    print(report.clean)

With a model it needs the extra `[weights]`, which is imported when one is given.
"""

from mnemon.forgotten.questions import Question, questions
from mnemon.forgotten.report import Look, Report
from mnemon.forgotten.verifying import verify

__all__ = ["Look", "Question", "Report", "questions", "verify"]
