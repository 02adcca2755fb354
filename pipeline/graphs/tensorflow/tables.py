"""Lookup tables of whole numbers, as comparisons with their keys, which all runtimes have.

What is looked up has one comparison with each key; of tables with many keys that would be slow and
large, and words have no place in ONNX or TF.js at all: those stay, to be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.tensorflow.constants import make_constant
from pipeline.graphs.tensorflow.splicing import imported, splice, tensors_of
from pipeline.tensors.arrays import np

#: The largest table that is compared with.
MOST_KEYS = 5000

_FIND = ("LookupTableFindV2", "LookupTableFind")
_SIZE = ("LookupTableSizeV2", "LookupTableSize")


def compare_with_keys(graph_def: Any, handles: Mapping[str, Any]) -> Any:
    """The same graph, with comparisons for tables of whole numbers.

    Args:
        graph_def: changed here.
        handles: placeholder -> the table that is given to it, an eager tensor.
    """
    nodes = [node for node in graph_def.node if node.op in (*_FIND, *_SIZE)]
    by_name = {node.name: node for node in graph_def.node}
    tables = {node.name: _table(node, by_name) for node in nodes}
    contents_of = {id(node): _contents(tables[node.name], nodes, tables, handles) for node in nodes}
    if not any(contents_of.values()):
        return graph_def
    tensors = tensors_of(imported(graph_def))
    for node in nodes:
        contents = contents_of[id(node)]
        if contents is None:
            continue
        if node.op in _SIZE:
            make_constant(node, np.array(len(contents[0]), np.int64))
            continue
        tensors_read = [tensors[source.removesuffix(":0")] for source in node.input[1:3]]
        del node.input[0]
        splice(graph_def, node, _find(*contents), tensors_read)
    return graph_def


def _table(node: Any, by_name: Mapping[str, Any]) -> str:
    """The placeholder that a node's table comes from, through calls that were written out."""
    while True:
        node = by_name[node.input[0].split(":")[0]]
        if node.op != "Identity":
            return str(node.name)


def _contents(
    table: str, nodes: list[Any], tables: Mapping[str, str], handles: Mapping[str, Any]
) -> Any:
    """Keys and values of a table, where they can be compared with."""
    import tensorflow as tf

    finds = [node for node in nodes if node.op in _FIND and tables[node.name] == table]
    if table not in handles or not finds:
        return None
    kinds = [tf.as_dtype(finds[0].attr[key].type) for key in ("Tin", "Tout")]
    if not kinds[0].is_integer or not (kinds[1].is_integer or kinds[1].is_floating):
        return None
    if int(tf.raw_ops.LookupTableSizeV2(table_handle=handles[table])) > MOST_KEYS:
        return None
    keys, values = tf.raw_ops.LookupTableExportV2(
        table_handle=handles[table], Tkeys=kinds[0], Tvalues=kinds[1]
    )
    # A table gives them in an order of its own.
    order = tf.argsort(keys)
    return tf.gather(keys, order).numpy(), tf.gather(values, order).numpy()


def _find(keys: Any, values: Any) -> Any:
    import tensorflow as tf

    def build(looked_up: Any, default: Any) -> Any:
        same = tf.equal(looked_up[..., None], tf.constant(keys))
        place = tf.argmax(tf.cast(same, tf.int32), axis=-1, output_type=tf.int32)
        value = tf.gather(tf.constant(values), place)
        return tf.where(tf.reduce_any(same, -1), value, default)

    return build
