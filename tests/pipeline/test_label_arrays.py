"""Probabilities and labels from files as they come: damaged, made to hurt, or written another way than ours."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tinysieve.filtering.label_errors.probability_matrix import InvalidLabels
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.label_issues.arrays import read_labels, read_probabilities

EVEN = np.full((4, 2), 0.5)
LABELS = [0, 1, 1, 0]


def packed(compressed: bool = False) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, pred_probs=np.random.default_rng(0).random((500, 2)))
    return file.getvalue()


def with_member(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("pred_probs.npy", content)
    return file.getvalue()


def header(shape: str) -> bytes:
    """A .npy without data whose header promises float64 of this shape."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def otherwise_packed() -> bytes:
    """An archive whose directory claims compression method 99; the method stands ten bytes into the directory's entry."""
    whole = bytearray(packed())
    whole[whole.index(b"PK\x01\x02") + 10] = 99
    return bytes(whole)


DAMAGED = {
    "cut short": packed()[:-30],
    "garbage": b"PK\x03\x04" + bytes(range(200)),
    "a wrong checksum": packed()[:4000] + b"\xff\xff" + packed()[4002:],
    "a broken deflate stream": packed(True)[:300] + b"\xff" * 400 + packed(True)[700:],
    "more than any memory": with_member(header("(9999999999999, 2)")),
    "a header that is no Python": with_member(header("((")),
    "a shape of words": with_member(header("('a', 'b')")),
    "another compression": otherwise_packed(),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_npz_is_told_of(tmp_path: Path, name: str) -> None:
    (tmp_path / "p.npz").write_bytes(DAMAGED[name])
    with pytest.raises(InputError, match="cannot be read as a numpy file") as caught:
        read_probabilities(tmp_path / "p.npz")
    assert caught.value.where == str(tmp_path / "p.npz")


@pytest.mark.parametrize("shape", ["(9999999999999, 2)", "((", "('a', 'b')", "(-1, 2)", "(5, 2)"])
def test_a_damaged_npy_is_told_of(tmp_path: Path, shape: str) -> None:
    (tmp_path / "p.npy").write_bytes(header(shape))
    with pytest.raises(InputError, match="cannot be read as a numpy file"):
        read_probabilities(tmp_path / "p.npy")


def test_an_archive_under_the_other_name_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", pred_probs=EVEN)
    (tmp_path / "p.npz").rename(tmp_path / "p.npy")
    np.testing.assert_array_equal(read_probabilities(tmp_path / "p.npy"), EVEN)


def broken_text() -> pa.Array:
    """Two strings, the second of which is not UTF-8."""
    offsets = pa.py_buffer(np.array([0, 1, 2, 3, 4], np.int32).tobytes())
    return pa.Array.from_buffers(pa.string(), 4, [None, offsets, pa.py_buffer(b"0\xff10")])


@pytest.mark.parametrize("column", [
    lambda: pa.array([[0], [1], [1], [0]]), lambda: pa.array([{"given": 0}] * 4), lambda: pa.array([b"0", b"\xff", b"1", b"0"]),
    broken_text,
])
def test_columns_that_are_no_labels(tmp_path: Path, column: Callable[[], pa.Array]) -> None:
    pq.write_table(pa.table({"given": column()}), tmp_path / "labels.parquet")
    with pytest.raises(InvalidLabels, match=r"labels of type .* cannot be read") as caught:
        read_labels(tmp_path / "labels.parquet", EVEN)
    assert caught.value.where == str(tmp_path / "labels.parquet")


def test_a_column_that_stands_there_twice(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("given,given\n0,1\n")
    pq.write_table(pa.table([pa.array(LABELS), pa.array(LABELS)], ["given", "given"]), tmp_path / "labels.parquet")
    for name in ("labels.csv", "labels.parquet"):
        with pytest.raises(InputError, match="given"):
            read_labels(tmp_path / name, EVEN)


@pytest.mark.parametrize(("name", "text"), [
    ("labels.txt", "0.0\n1.0\n1\n0.\n"), ("labels.csv", "given\n0.0\n1.0\n1\n+0\n"),
    ("labels.csv", "name,given\na,0.0\nb,1.0\nc,1\nd,0\n"),
    ("labels.txt", "0.000000000000000000e+00\n1.000000000000000000e+00\n1e0\n0\n"),
    ("labels.txt", "\ufeff0\n1\n1\n0\n"), ("labels.csv", "\ufeffgiven\n0\n1\n1\n0\n"),
    ("labels.csv", "given\r\n0\r\n1\r\n1\r\n0\r\n\r\n"), ("labels.csv", "name,given\na,0\n\nb,1\nc,1\nd,0\n"),
])
def test_whole_numbers_in_text_however_they_are_written(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert read_labels(tmp_path / name, EVEN).tolist() == LABELS


@pytest.mark.parametrize("values", [pa.array(LABELS, pa.float64()), pa.array(LABELS, pa.float16()),
                                    pa.array(["0", "1", "1.0", "0"]), pa.array(LABELS).dictionary_encode()])
def test_whole_numbers_in_parquet_however_they_are_stored(tmp_path: Path, values: pa.Array) -> None:
    pq.write_table(pa.table({"given": values}), tmp_path / "labels.parquet")
    assert read_labels(tmp_path / "labels.parquet", EVEN).tolist() == LABELS


@pytest.mark.parametrize(("text", "line"), [
    ("given\n0\n\n1\n1\n0\n", 3), ("given\r\n0\r\n1\r\n\r\n\r\n0\r\n", 4), ("\ngiven\n0\n1\n1\n0\n", 1),
])
def test_an_empty_line_in_one_column_would_shift_the_labels(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "labels.csv").write_text(text, newline="")
    with pytest.raises(InvalidLabels, match="an empty line") as caught:
        read_labels(tmp_path / "labels.csv", EVEN)
    assert caught.value.where == f"{tmp_path / 'labels.csv'}:{line}"


@pytest.mark.parametrize(("label", "message"), [(np.inf, "label inf is not an integer"), (-np.inf, "label -inf is not an"),
                                                (np.nan, "label nan is not an"), (1e300, r"label 1e\+300 is outside 0..1")])
@pytest.mark.parametrize("kind", ["npy", "parquet", "txt"])
def test_labels_that_no_integer_holds_are_named(tmp_path: Path, label: float, message: str, kind: str) -> None:
    path, labels = tmp_path / f"labels.{kind}", np.array([0, 1, 1, label])
    if kind == "npy":
        np.save(path, labels)
    elif kind == "parquet":
        pq.write_table(pa.table({"given": labels}), path)
    else:
        np.savetxt(path, labels)
    with pytest.raises(InvalidLabels, match=message.replace("label ", "label '?").replace(" is", "'? is")) as caught:
        read_labels(path, EVEN)
    assert caught.value.where in (f"{path}, row 3", f"{path}: record 4", f"{path}:4")
    assert "astype" not in caught.value.fix


NAMED = ["background", "person", "person", "background"]


@pytest.mark.parametrize(("name", "write"), [
    ("l.csv", lambda path: path.write_text("given\n" + "\n".join(NAMED) + "\n")),
    ("l.txt", lambda path: path.write_text("\n".join(NAMED))),
    ("l.npy", lambda path: np.save(path, np.array(NAMED))), ("l.tsv", lambda path: path.write_text("id\tgiven\n" + "".join(
        f"{number}\t{label}\n" for number, label in enumerate(NAMED)))),
    ("l.parquet", lambda path: pq.write_table(pa.table({"given": pa.array(NAMED).dictionary_encode()}), path)),
])
def test_names_of_classes_are_labels(tmp_path: Path, name: str, write: Callable[[Path], object]) -> None:
    """Without more they are numbered by the alphabet, as scikit-learn does, and that is said."""
    said: list[str] = []
    write(tmp_path / name)
    assert read_labels(tmp_path / name, EVEN, say=said.append).tolist() == LABELS
    assert "in the order of the alphabet: background, person" in said[0]
    assert read_labels(tmp_path / name, EVEN, names=("person", "background")).tolist() == [1, 0, 0, 1]
    with pytest.raises(InvalidLabels, match="'background' is none of person, dog"):
        read_labels(tmp_path / name, EVEN, names=("person", "dog"))


def test_names_for_more_columns_than_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("\n".join(NAMED))
    with pytest.raises(InvalidLabels, match="2 names of classes for 3 columns of probabilities"):
        read_labels(tmp_path / "l.txt", np.full((4, 3), 1 / 3))


@pytest.mark.parametrize("values", [np.array(LABELS, bool), pa.array([bool(label) for label in LABELS]), "TRUE"])
def test_truth_values_are_labels(tmp_path: Path, values: object) -> None:
    if isinstance(values, np.ndarray):
        np.save(tmp_path / "l.npy", values)
    elif isinstance(values, pa.Array):
        pq.write_table(pa.table({"given": values}), tmp_path / "l.npy.parquet")
    else:
        (tmp_path / "l.csv").write_text("given\n" + "".join(f"{str(bool(label)).upper()}\n" for label in LABELS))
    assert read_labels(next(tmp_path.iterdir()), EVEN).tolist() == LABELS


@pytest.mark.parametrize("name", ["l.csv", "l.parquet"])
def test_a_pandas_index_in_another_order_is_refused_and_the_rows_own_is_none(tmp_path: Path, name: str) -> None:
    """A shuffled frame keeps its index: honouring it gives other labels than the order of its rows."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"given": LABELS})
    for order, fits in (([0, 1, 2, 3], True), ([2, 0, 3, 1], False)):
        part = frame.loc[order]
        part.to_csv(tmp_path / name) if name.endswith("csv") else part.to_parquet(tmp_path / name)
        if fits:
            assert read_labels(tmp_path / name, EVEN).tolist() == LABELS
        else:
            with pytest.raises(InvalidLabels, match=r"the pandas index is not 0, 1, 2, \.\.\.: the index of row 0 is 2"):
                read_labels(tmp_path / name, EVEN)


def test_a_pandas_index_of_names_says_nothing_of_an_order(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"given": LABELS}, index=["d.jpg", "a.jpg", "c.jpg", "b.jpg"])
    frame.to_parquet(tmp_path / "l.parquet")
    assert read_labels(tmp_path / "l.parquet", EVEN).tolist() == LABELS


@pytest.mark.parametrize("name", ["index", "id", "sample"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_column_that_numbers_the_rows_in_another_order_is_refused(tmp_path: Path, name: str, first: int, ending: str) -> None:
    """What `reset_index` or an index with a name of its own leaves; in the rows' own order it says nothing new."""
    for moved in (False, True):
        order = np.array([2, 0, 3, 1] if moved else [0, 1, 2, 3])
        table = pa.table({name: order + first, "given": np.array(LABELS)[order]})
        file = tmp_path / f"{moved}.{ending}"
        pq.write_table(table, file) if ending == "parquet" else file.write_text(
            f"{name},given\n" + "".join(f"{row[name]},{row['given']}\n" for row in table.to_pylist()))
        if not moved and (name, first) != ("index", 1):
            assert read_labels(file, EVEN).tolist() == LABELS
            continue
        with pytest.raises(InvalidLabels, match=r"in another order|the pandas index is not") as caught:
            read_labels(file, EVEN)
        assert f"of row 0 is {int(order[0]) + first}" in caught.value.what


def test_a_column_of_measurements_is_no_index(tmp_path: Path) -> None:
    rows = (f"{9 - row},0.{row},{label}\n" for row, label in enumerate(LABELS))
    (tmp_path / "l.csv").write_text("width,quality,given\n" + "".join(rows))
    assert read_labels(tmp_path / "l.csv", EVEN).tolist() == LABELS


def test_a_slice_of_a_frame_is_refused(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"given": [1, *LABELS]}).iloc[1:].to_parquet(tmp_path / "l.parquet")
    with pytest.raises(InvalidLabels, match=r"begins at 1|index of row 0 is 1"):
        read_labels(tmp_path / "l.parquet", EVEN)


@pytest.mark.parametrize("ending", [".npy", ".npz", ".txt", ".csv", ".parquet"])
def test_pipes_and_devices_are_no_arrays(ending: str, tmp_path: Path) -> None:
    """To open the one would wait for ever, to read the other would not end."""
    os.mkfifo(tmp_path / f"pipe{ending}")
    (tmp_path / f"zero{ending}").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(InputError, match=r"a device, a pipe or a socket|is not a file"):
            read_labels(tmp_path / f"{name}{ending}", EVEN)
        if ending.startswith(".np"):
            with pytest.raises(InputError, match="a device, a pipe or a socket"):
                read_probabilities(tmp_path / f"{name}{ending}")
