"""Conditions on the rows of a table, such as `label_quality < 0.1 and label == 'person'`: read, never run as code.

The language is a part of Python's: names of columns, numbers, text, comparisons, `in`, `is None`, `and`, `or`, `not`. The text
is parsed and walked; what is none of these is an error, so a condition from anywhere can do no more than choose rows.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.ground.errors import InputError

MAX_LENGTH = 2_000
_FIX = ("columns, numbers and 'text' with == != < <= > >= in, is None, and, or, not; such as: "
        "label_quality < 0.1 and split == 'train'")
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: pc.equal, ast.NotEq: pc.not_equal, ast.Lt: pc.less, ast.LtE: pc.less_equal, ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal}


def rows_where(table: pa.Table, condition: str) -> np.ndarray:
    """Which rows fulfil a condition, bool [N]. A comparison with an empty cell is not fulfilled; `column is None` finds them.

    Raises:
        InputError: the text is no such condition, names no column, or compares what cannot be compared.

    >>> table = pa.table({"label": ["a", "b", None], "quality": [0.1, 0.2, 0.9]})
    >>> rows_where(table, "quality < 0.5 and not label == 'b'")
    array([ True, False, False])
    >>> rows_where(table, "label is None or label in ('b', 'c')")
    array([False,  True,  True])
    """
    try:
        if len(condition) > MAX_LENGTH:
            raise SyntaxError(f"longer than {MAX_LENGTH:,} signs")
        made = _truth(ast.parse(condition.strip(), mode="eval").body, table)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _error(condition, getattr(error, "msg", None) or str(error) or "too deep") from error
    except (pa.ArrowException, TypeError) as error:
        raise _error(condition, f"these cannot be compared: {error}"[:200]) from error
    return np.asarray(pc.fill_null(made, False))


def _truth(node: ast.expr, table: pa.Table) -> Any:
    """bool [N] of what is a condition."""
    if isinstance(node, ast.BoolOp):
        parts = [_truth(part, table) for part in node.values]
        join = pc.and_kleene if isinstance(node.op, ast.And) else pc.or_kleene
        made = parts[0]
        for part in parts[1:]:
            made = join(made, part)
        return made
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return pc.invert(_truth(node.operand, table))
    if isinstance(node, ast.Compare):
        if len(node.ops) > 1:
            return _truth(_pairs(node), table)
        return _comparison(node.left, node.ops[0], node.comparators[0], table)
    if isinstance(node, ast.Name) and pa.types.is_boolean(_column(node, table).type):
        return _column(node, table)
    raise ValueError(f"'{ast.unparse(node)[:60]}' is no condition")


def _pairs(node: ast.Compare) -> ast.BoolOp:
    """`a < b < c` as `a < b and b < c`."""
    sides = [node.left, *node.comparators]
    return ast.BoolOp(ast.And(), [ast.Compare(left, [operator], [right])
                                  for left, operator, right in zip(sides[:-1], node.ops, sides[1:], strict=True)])


def _comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr, table: pa.Table) -> Any:
    if isinstance(operator, ast.NotIn):
        return pc.invert(_comparison(left, ast.In(), right, table))
    if isinstance(operator, ast.In):
        return _contained(left, right, table)
    if isinstance(right, ast.Constant) and right.value is None:
        empty = pc.is_null(_column(left, table), nan_is_null=True)
        return empty if isinstance(operator, (ast.Is, ast.Eq)) else pc.invert(empty)
    if type(operator) not in _COMPARE:
        raise ValueError("'is' compares with None only")
    return _spread(_COMPARE[type(operator)](_value(left, table), _value(right, table)), table)


def _contained(left: ast.expr, right: ast.expr, table: pa.Table) -> Any:
    if isinstance(right, (ast.List, ast.Tuple, ast.Set)):
        values = [_constant(item) for item in right.elts]
        column = _column(left, table)
        return pc.is_in(column, pa.array(values).cast(column.type))
    if isinstance(left, ast.Constant) and isinstance(left.value, str):
        return pc.match_substring(pc.cast(_column(right, table), pa.string()), left.value)
    raise ValueError("'in' needs a list of values on its right, or 'text' on its left and a column on its right")


def _value(node: ast.expr, table: pa.Table) -> Any:
    return _column(node, table) if isinstance(node, ast.Name) else pa.scalar(_constant(node))


def _constant(node: ast.expr) -> str | int | float | bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _constant(node.operand)
        if not isinstance(number, str):
            return -number
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float, bool)):
        return node.value
    raise ValueError(f"'{ast.unparse(node)[:60]}' is no value")


def _column(node: ast.expr, table: pa.Table) -> pa.ChunkedArray:
    if not isinstance(node, ast.Name):
        raise ValueError(f"'{ast.unparse(node)[:60]}' is no column")
    if node.id not in table.column_names:
        raise ValueError(f"no column '{node.id[:60]}'; there are {', '.join(table.column_names)}")
    return table[node.id]


def _spread(made: Any, table: pa.Table) -> Any:
    """A comparison of two values holds for all rows or for none."""
    return made if isinstance(made, (pa.Array, pa.ChunkedArray)) else pa.array([made.as_py()] * table.num_rows, pa.bool_())


def _error(condition: str, why: str) -> InputError:
    return InputError(f"the condition cannot be read: {why}", where=condition[:200], fix=_FIX)
