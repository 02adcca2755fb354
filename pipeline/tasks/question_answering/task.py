"""The task itself."""

from __future__ import annotations

from pipeline.tasks.contract import Task
from pipeline.tasks.question_answering import answers, metrics, propose, score, show, truth
from pipeline.tasks.question_answering.options import QuestionAnsweringOptions

TASK = Task(
    "question-answering",
    QuestionAnsweringOptions,
    metrics=metrics.METRICS,
    input="text",
    example='const [best] = await model.answer({ question: "Who was it?", context: text });',
    reads=(truth.NAME,),
    truth=truth.answers_of,
    answers=answers.answers,
    score=score.score,
    agree=score.agree,
    propose=propose.propose,
    show=show.show,
)
