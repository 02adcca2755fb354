"""What a model is for: one file per task.

A task module defines:

- ``NAME``: what a config's ``task`` says.
- ``accuracy(outputs, labels) -> dict | None``: from the model's outputs by public name
  (float32 [n, …]) and the samples' labels (int64 [n]), how right they are:
  ``{"metric": name, "value": 0 to 1, "samples": n, "low", "high"}``, the last two a 95 %
  interval (``proportion.share`` makes it where samples are right or wrong); None where the task
  has no accuracy.
- ``right(outputs, labels) -> bool [n]``, only where ``accuracy`` is the share of samples that are
  right: which those are. A loss against the source is then judged by the samples that changed.
- ``chance(outputs, labels) -> 0 to 1``, beside ``right``: what whoever does not look gets right.
- ``ranked(outputs, count) -> int64 [n, up to count]``, only where each sample has one class: the
  likeliest classes, the likeliest first, which top-1 and top-5 agreement compare.

Its twin, ``task.js`` beside it, does the same in the browser.
"""
