from __future__ import annotations

from pipeline.base.reasons import LONGEST, reason_of


def test_a_reason_is_what_keras_says_behind_what_it_wraps_around() -> None:
    called = (
        "Exception encountered when calling Conv2D.call().\n\n"
        "\x1b[1mThe filter has 3 channels\x1b[0m\n\nArguments received by Conv2D.call():\n  • x"
    )
    assert reason_of(ValueError(called)) == "The filter has 3 channels"
    loaded = (
        "<class 'Functional'> could not be deserialized properly.\n\nconfig={'a': 1}.\n\n"
        "Exception encountered: Error when deserializing class 'X'.\n\n"
        "Exception encountered: X() got an unexpected argument 'b'"
    )
    assert reason_of(TypeError(loaded)) == "X() got an unexpected argument 'b'"


def test_a_long_reason_ends_with_a_whole_word_and_says_that_more_follows() -> None:
    told = reason_of(ValueError("word " * 100))
    assert len(told) <= LONGEST + 2
    assert told.endswith("word …")


def test_an_error_without_words_is_named() -> None:
    assert reason_of(KeyError()) == "KeyError"


def test_a_real_error_of_keras_says_what_is_wrong() -> None:
    import keras
    import pytest

    with pytest.raises(ValueError) as caught:
        keras.layers.Dense(2)(keras.ops.ones((1, 2)), 3, 4, 5)
    assert "Exception encountered" not in reason_of(caught.value)
