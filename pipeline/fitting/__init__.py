"""Finds how a source model wants its images: `pipeline doctor CONFIG`.

A model that is not given its images as it was trained with them answers, and is wrong. How that
was is seldom written down. So the usual ways are tried on the samples, and labels say which fits.
"""
