"""Conditions choose rows, and can do nothing else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.ground.errors import InputError
from tinysieve.ground.row_condition import MAX_LENGTH, rows_where

TABLE = pa.table({"label": ["person", "background", None, "person"], "quality": [0.05, 0.5, 0.01, None],
                  "issue": [True, False, None, True],
                  "width": [10, 20, 30, 40], "path": ["cat/1.jpg", "dog/2.jpg", "cat/3.jpg", "4.jpg"]})


@pytest.mark.parametrize(("condition", "rows"), [
    ("quality < .1 and label == 'person'", [0]), ("quality < .1", [0, 2]), ("issue", [0, 3]), ("not issue", [1]),
    ("label is None", [2]), ("label is not None and quality is None", [3]), ("label != 'person'", [1]),
    ("10 < width <= 30", [1, 2]), ("label in ['person', 'x']", [0, 3]), ("label not in ('person',)", [1, 2]),
    ("'cat' in path", [0, 2]), ("'cat' not in path", [1, 3]), ("width > -1", [0, 1, 2, 3]), ("1 == 2", []),
    ("issue == True or width == 20", [0, 1, 3]),
    ("width < 35 and (issue or label is None)", [0, 2]), ("width in (10, 20.0)", [0, 1]),
])
def test_rows_that_fulfil_a_condition(condition: str, rows: list[int]) -> None:
    assert np.flatnonzero(rows_where(TABLE, condition)).tolist() == rows


@pytest.mark.parametrize("condition", [
    "__import__('os').system('touch /tmp/x')", "label.upper() == 'A'", "[x for x in (1,)]", "lambda: 1", "open('x')",
    "width + 1 > 2",
    "label; import os", "label = 'a'", "(label := 'a')", "f'{label}' == 'a'", "width if issue else label", "label[0] == 'p'",
    "()",
    "nowhere == 1", "width", "label < 3", "label is 'person'", "select * from samples", "label == 'person' --", "'", "((((", "\0",
    "(" * 500 + "issue" + ")" * 500, "x" * (MAX_LENGTH + 1), "width in ('a',)", "label == b'x'",
    "await label", "issue or __builtins__", "", "*label", "1 if 1 else 2",
])
def test_all_else_is_an_error_that_names_the_condition(condition: str) -> None:
    with pytest.raises(InputError, match="cannot be read") as caught:
        rows_where(TABLE, condition)
    assert caught.value.fix


@given(st.text(alphabet="labelissue width<>=!()'.andornt 019[],-", max_size=60))
def test_any_text_is_an_answer_or_such_an_error(condition: str) -> None:
    try:
        made = rows_where(TABLE, condition)
    except InputError:
        return
    assert made.shape == (TABLE.num_rows,)
    assert made.dtype == bool
