"""Finds the techniques that make a model smallest or fastest within bounds.

``resolve`` turns a variant that asks for a search into a plain one, before the ordinary plan:
from the store where the search was done before, else by trials (``run``, in the ``order`` in which
``space`` is looked through). A ``trial`` is an ordinary plan on samples of which the test split is
a held-back part of the calibration split (``hold_back``), so that nothing of the real test split
decides what is found.
"""
