"""Recurrent networks, written out step by step: plain operators, which every backend has.

https://onnx.ai/onnx/operators/onnx__LSTM.html and its neighbours give the equations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.graphs.onnx.to_tensorflow.node import Node, UncoveredError, operator
from pipeline.tensors.arrays import Array, np

#: Longer sequences would make graphs of tens of thousands of nodes.
MOST_STEPS = 256

#: Operator -> how many gates its weights have.
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}

#: Operator -> its activations, in ONNX's order.
_ACTIVATIONS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}


@dataclass(frozen=True)
class _Weights:
    """Of one direction, columns by gate."""

    operator: str
    inner: Array
    """[inputs, gates * hidden]."""
    outer: Array
    """[hidden, gates * hidden]."""
    bias: Array
    """[gates * hidden], added to what the input gives."""
    outer_bias: Array
    """[gates * hidden], added to what the state gives."""
    activations: tuple[Callable[[Any], Any], ...]
    reset_after: bool
    """Of GRU: the reset gate scales what the state gives, and not the state."""


State = tuple[Any | None, ...]
"""What a step hands to the next, [batch, hidden] each; ``None`` for zeros."""


@operator("LSTM", "GRU", "RNN")
def recurrent(node: Node) -> list[Any]:
    """All states [steps, directions, batch, hidden], the last ones, of LSTM the last cells too."""
    import tensorflow as tf

    _check(node)
    batch_first = bool(node.attribute("layout", 0))
    x = tf.transpose(node.tensor(), [1, 0, 2]) if batch_first else node.tensor()
    inputs = tf.unstack(x, axis=0)
    direction = node.attribute("direction", "forward")
    backward = {"forward": [False], "reverse": [True]}.get(direction, [False, True])
    every, last = [], []
    for index, turned in enumerate(backward):
        states = _run(
            _weights(node, index), inputs[::-1] if turned else inputs, _first(node, index)
        )
        hidden = [state[0] for state in states]
        every.append(tf.stack(hidden[::-1] if turned else hidden, axis=0))
        last.append(states[-1])
    ends = [tf.stack(parts, axis=0) for parts in zip(*last, strict=True)]
    results = [tf.stack(every, axis=1), *ends]
    if batch_first:
        results = [tf.transpose(results[0], [2, 0, 1, 3])]
        results += [tf.transpose(end, [1, 0, 2]) for end in ends]
    return results


def _check(node: Node) -> None:
    """Refuse what is not written out.

    Raises:
        UncoveredError: the node asks for it.
    """
    steps = node.value().shape[1 if node.attribute("layout", 0) else 0]
    if steps is None or steps > MOST_STEPS:
        length = "a free number" if steps is None else str(steps)
        raise UncoveredError(
            f"{length} of steps (up to {MOST_STEPS} are, of a length that "
            "source.onnx.dimensions may give)"
        )
    if node.has(4) and (node.constant(4, "lengths of sequences") != steps).any():
        raise UncoveredError("another length for each sequence")
    if node.has(7):
        raise UncoveredError("a peephole")
    for name in ("clip", "input_forget"):
        if node.attribute(name):
            raise UncoveredError(name)


def _first(node: Node, index: int) -> State:
    """The state before the first step."""
    import tensorflow as tf

    axis = 1 if node.attribute("layout", 0) else 0
    positions = (5, 6) if node.operator == "LSTM" else (5,)
    return tuple(
        tf.unstack(node.tensor(position), axis=axis)[index] if node.has(position) else None
        for position in positions
    )


def _weights(node: Node, index: int) -> _Weights:
    inner, outer = (node.constant(i, "weights")[index].T for i in (1, 2))
    bias = node.constant(3, "a bias")[index] if node.has(3) else np.zeros(0, inner.dtype)
    bias = bias if bias.size else np.zeros(2 * inner.shape[1], inner.dtype)
    gates = _GATES[node.operator]
    if inner.shape[1] != gates * outer.shape[0]:
        raise ValueError(f"its weights have not {gates} gates")
    here, there = np.split(bias, 2)
    return _Weights(
        node.operator,
        inner,
        outer,
        here,
        there,
        _activations(node, index),
        bool(node.attribute("linear_before_reset", 0)),
    )


def _activations(node: Node, index: int) -> tuple[Callable[[Any], Any], ...]:
    import tensorflow as tf

    functions = {"Sigmoid": tf.sigmoid, "Tanh": tf.tanh, "Relu": tf.nn.relu}
    usual = _ACTIVATIONS[node.operator]
    named = [
        name.decode() if isinstance(name, bytes) else name
        for name in node.attribute("activations") or usual * (index + 1)
    ]
    chosen = named[index * len(usual) : (index + 1) * len(usual)]
    if unknown := [name for name in chosen if name.title() not in functions]:
        raise UncoveredError(f"the activation {unknown[0]}")
    return tuple(functions[name.title()] for name in chosen)


def _run(weights: _Weights, inputs: list[Any], state: State) -> list[State]:
    import tensorflow as tf

    step = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}[weights.operator]
    states = []
    for x in inputs:
        state = step(weights, tf.matmul(x, weights.inner) + weights.bias, state)
        states.append(state)
    return states


def _from_state(weights: _Weights, hidden: Any | None, columns: slice) -> Any:
    """What the state gives to some gates."""
    import tensorflow as tf

    bias = weights.outer_bias[columns]
    return bias if hidden is None else tf.matmul(hidden, weights.outer[:, columns]) + bias


def _lstm(weights: _Weights, x: Any, state: State) -> State:
    import tensorflow as tf

    hidden, cell = state
    gate, candidate, out = weights.activations
    parts = tf.split(x + _from_state(weights, hidden, slice(None)), 4, axis=-1)
    new = gate(parts[0]) * candidate(parts[3])
    cell = new if cell is None else gate(parts[2]) * cell + new
    return gate(parts[1]) * out(cell), cell


def _gru(weights: _Weights, x: Any, state: State) -> State:
    import tensorflow as tf

    (hidden,), size = state, weights.outer.shape[0]
    gate, candidate = weights.activations
    gates, last = slice(0, 2 * size), slice(2 * size, None)
    update, reset = tf.split(gate(x[:, gates] + _from_state(weights, hidden, gates)), 2, axis=-1)
    if weights.reset_after:
        new = candidate(x[:, last] + reset * _from_state(weights, hidden, last))
    else:
        scaled = None if hidden is None else reset * hidden
        new = candidate(x[:, last] + _from_state(weights, scaled, last))
    kept = (1 - update) * new
    return (kept if hidden is None else kept + update * hidden,)


def _rnn(weights: _Weights, x: Any, state: State) -> State:
    (hidden,) = state
    (activation,) = weights.activations
    return (activation(x + _from_state(weights, hidden, slice(None))),)
