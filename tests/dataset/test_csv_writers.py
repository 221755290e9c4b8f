"""A spreadsheet shows what stands in our CSV files as text, and our own readers give the same text back."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.dataset.classes import ClassNames
from tinysieve.dataset.csv_table import without_escapes, write_csv_table
from tinysieve.dataset.executors.local import LocalExecutor
from tinysieve.dataset.ingest import ingest
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.table_file import open_table, read_table
from tinysieve.ground.csv_text import csv_lines
from tinysieve.ground.escaping import FORMULA, csv_cell, csv_text

SOURCE = Path(__file__).parents[2] / "src/tinysieve"
HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1+1", "\rx", " =1+1", "'=1+1", "''@x",
           "\uff1d1+1", 'x";=1+1', "a;=1+1", "a\t=1+1", 'plain, with "quotes"', "'quoted'"]
TEXTS = st.text(st.sampled_from("'=+-@\t\r\n ;,\"|a\uff1d"), max_size=8)


def shown(text: str, separator: str) -> list[str]:
    """Cells of a CSV as a spreadsheet with this separator takes them, which it decides by the country."""
    return [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row]


def assert_plain(text: str) -> None:
    """No cell begins like a formula, whatever the separator."""
    for separator in ",;":
        formulas = [cell for cell in shown(text, separator) if re.match(r"[ \t\r\n]*[=+@\uff1d]|-\d+\+", cell)]
        assert formulas == [], f"separator {separator!r}"


@given(TEXTS)
def test_a_cell_is_no_formula_and_comes_back(text: str) -> None:
    cell = csv_cell(text)
    for piece in cell.split(";"):
        assert not re.match(r"[ \t\r\n]*[-=+@\t\r\n\uff1d]", piece)
    assert csv_text(cell) == text


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_arrow_escapes_as_python_does(texts: list[str]) -> None:
    escaped = pa.table({"a": [str(csv_cell(text)) for text in texts]})
    table, changed = without_escapes(escaped)
    assert table["a"].to_pylist() == texts
    assert changed == sum(csv_cell(text) != text for text in texts)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_lines_come_back_whatever_they_hold(rows: list[tuple[str, str]]) -> None:
    read = list(csv.reader(io.StringIO(csv_lines(rows), newline="")))
    assert [tuple(map(csv_text, row)) for row in read] == rows


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_table_comes_back_with_its_hostile_columns(tmp_path: Path, kind: pa.DataType) -> None:
    path, column = tmp_path / "table.csv", "=HYPERLINK(A1)"
    write_csv_table(path, pa.table({column: pa.array(HOSTILE).cast(kind), "n": np.arange(len(HOSTILE)) - 3.5}))
    assert_plain(path.read_text(encoding="utf-8").replace("\n-", "\n"))
    file = open_table(path)
    assert file.table.column_names == [column, "n"]
    # A bare carriage return ends a line for whoever reads the file.
    assert [text.replace("\r\n", "\n") for text in file.table[column].to_pylist()] == HOSTILE
    assert file.table["n"].to_pylist()[:4] == ["-3.5", "-2.5", "-1.5", "-0.5"]
    assert any("formulas: read without it" in note for note in file.notes)


def samples(names: list[str], classes: ClassNames) -> SampleTable:
    """One sample a name; also the id is hostile."""
    count = len(names)
    return SampleTable(pa.table({
        "sample_id": names, "filepath": names, "width": [9] * count, "height": [9] * count, "split": ["train"] * count,
        "label": [classes.positive] * count, "pixel_row": np.arange(count)}), classes)


def of_review_queue(folder: Path, classes: ClassNames) -> Path:
    from tinysieve.dataset.decisions import no_decisions
    from tinysieve.filtering.decisions.human_review import write_review_queue
    from tinysieve.filtering.decisions.policy import Plan

    table = samples(HOSTILE, classes)
    rows = np.arange(len(HOSTILE))
    plan = Plan(no_decisions(), rows, np.ones(len(rows), np.int8), pa.array(HOSTILE))
    write_review_queue(folder / "queue.csv", plan, table, table.labels)
    return folder / "queue.csv"


def of_near_duplicates(folder: Path, classes: ClassNames) -> Path:
    from tinysieve.pipeline.stages.near_duplicates import write_groups

    count = len(HOSTILE)
    groups = SimpleNamespace(shared=np.ones(count, bool), kept=np.ones(count, bool), group=np.zeros(count, np.int64),
                             similarity=np.full(count, 0.5))
    write_groups(folder / "near.csv", groups, samples(HOSTILE, classes))  # type: ignore[arg-type]
    return folder / "near.csv"


def of_not_examined(folder: Path, classes: ClassNames) -> Path:
    from tinysieve.filtering.evidence.detectors.box_parts import failures_csv
    from tinysieve.filtering.evidence.detectors.detector import NotExamined

    (folder / "not.csv").write_bytes(failures_csv([NotExamined(name, name, name) for name in HOSTILE]).encode())
    return folder / "not.csv"


def of_decision_log(folder: Path, classes: ClassNames) -> Path:
    from tinysieve.pipeline.review.decision_log import opened

    reviewer = "=cmd|calc;@x"
    for _ in range(2):
        with opened(folder / "decisions.csv", reviewer, lambda: "now") as log:
            for name in HOSTILE:
                log.write(name, classes.positive)
            assert list(log.standing) == HOSTILE
    return folder / "decisions.csv"


@pytest.mark.parametrize("write", [of_review_queue, of_near_duplicates, of_not_examined, of_decision_log])
def test_every_writer_keeps_a_strangers_words_as_text(tmp_path: Path, write: Callable[[Path, ClassNames], Path]) -> None:
    classes = ClassNames(positive="=person", negative="@background")
    path = write(tmp_path, classes)
    assert_plain(path.read_bytes().decode("utf-8"))
    assert sorted(read_table(path)["sample_id"].to_pylist()) == sorted(HOSTILE)


def test_answers_come_back_under_the_names_of_the_samples(tmp_path: Path) -> None:
    from tinysieve.filtering.decisions.human_review import read_answers

    classes = ClassNames(positive="=person", negative="@background")
    got = read_answers(of_decision_log(tmp_path, classes), "nobody", classes)
    # A person who types may leave spaces around a cell.
    assert got.sample_ids.to_pylist() == [text.strip() for text in HOSTILE]
    assert set(got.reviewers.to_pylist()) == {"=cmd|calc;@x"}


def test_lists_of_an_ingest_are_text(tmp_path: Path) -> None:
    """Names and columns of a source stand in quarantine.csv and leaks.csv."""
    from PIL import Image

    from tinysieve.dataset.sources.tables import Columns, list_table
    from tinysieve.dataset.stores.folder_store import FolderStore

    (tmp_path / "images").mkdir()
    for place, name in enumerate(("=1+1.jpg", "+1+1.jpg", "@a.jpg", "-2+3.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")):
        Image.fromarray(np.full((20, 20, 3), place * 20 * (name != "@a.jpg"), np.uint8)).save(tmp_path / "images" / name)
    (tmp_path / "images/=broken.jpg").write_bytes(b"no image")
    rows = [("=1+1.jpg", 1, "train"), ("@a.jpg", 1, "test"), ("+1+1.jpg", 0, "train"), ("-2+3.jpg", 0, "validation"),
            ("b.jpg", 1, "validation"), ("c.jpg", 0, "test"), ("d.jpg", 0, "train"), ("e.jpg", 1, "train"),
            ("=broken.jpg", 0, "train")]
    table = tmp_path / "labels.csv"
    table.write_text(csv_lines([("filename", "person", "split", "=HYPERLINK(A1)"), *((*row, "@SUM(A1)") for row in rows)]))
    listing = list_table(table, Columns("filename", "person", "split"), {}, np.random.default_rng(0))
    ingest(listing, FolderStore(tmp_path / "images"), tmp_path / "out", lambda done, total: None, LocalExecutor(1))
    for path in sorted((tmp_path / "out").glob("*.csv")):
        assert_plain(path.read_text(encoding="utf-8"))
    assert read_table(tmp_path / "out/quarantine.csv")["filepath"].to_pylist() == ["=broken.jpg"]


def test_nothing_else_writes_csv() -> None:
    """Whoever writes a table goes through `csv_lines` or `write_csv_table`; numbers alone may be written otherwise."""
    allowed = {"ground/csv_text.py", "dataset/csv_table.py"}
    writers = {"writer", "DictWriter", "write_csv", "to_csv", "CSVWriter"}
    others = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py")
              for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute) and node.attr in writers}
    assert others <= allowed
    assert allowed <= others


def test_the_page_escapes_what_it_lets_a_person_download() -> None:
    pattern = re.search(r"const formula = /(.+)/g;", (SOURCE / "pipeline/templates/review.js").read_text())
    assert pattern is not None
    assert re.sub(r"\\u(\w{4})", lambda match: chr(int(match[1], 16)), pattern[1]) == FORMULA
