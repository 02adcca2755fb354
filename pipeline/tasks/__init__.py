"""What a model is for: one folder per task, each with ``TASK`` (``contract.py``).

=================  =================================================================
``task.py``        the task itself: name, options, metrics, and what it can do
``answers.py``     outputs -> answers
``truth.py``       what samples kinds say of a sample -> truth, as named arrays
``score.py``       how right answers are, and whether they agree with the source's
``teach.py``       how truth teaches a network
``show.py``        a sample in the report
``task.js``        the twin of ``answers.py``, and the methods of a loaded model
``cases.json``     outputs and the answers that both twins give
=================  =================================================================
"""
