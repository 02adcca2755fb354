"""What a model is for: one file per task.

A task module defines:

- ``NAME``: what a config's ``task`` says.
- ``accuracy(outputs, labels) -> dict | None``: from the model's outputs by public name
  (float32 [n, …]) and the samples' labels (int64 [n]), how right they are:
  ``{"metric": name, "value": 0 to 1, "samples": n}``; None where the task has no accuracy.
- ``classes(outputs) -> int64 [n]``, only where each sample has one class: what top-1 agreement
  compares.

Its twin in ``client/tasks/`` does the same in the browser.
"""
