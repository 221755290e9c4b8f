"""Tables as programs write them: each gives the same rows, each row its line, or one sentence."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tinysieve.dataset.table_file import open_table, read_table
from tinysieve.dataset.table_text import TableForm
from tinysieve.ground.errors import InputError, MissingRequirement

ROWS = [{"filename": "a.jpg", "person": "1", "split": "train"}, {"filename": "b.jpg", "person": "0", "split": "val"}]
PLAIN = "filename,person,split\na.jpg,1,train\nb.jpg,0,val\n"
WAYS = {
    "plain": PLAIN.encode(), "no line feed at the end": PLAIN.rstrip().encode(),
    "Windows lines": PLAIN.replace("\n", "\r\n").encode(),
    "old Mac lines": PLAIN.replace("\n", "\r").encode(), "UTF-8 with a mark": PLAIN.encode("utf-8-sig"),
    "UTF-16": PLAIN.encode("utf-16"), "UTF-16 big": "\ufeff".encode("utf-16-be") + PLAIN.encode("utf-16-be"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"), "UTF-32": PLAIN.encode("utf-32"),
    "semicolons": PLAIN.replace(",", ";").encode(), "tabs": PLAIN.replace(",", "\t").encode(),
    "Unicode text": PLAIN.replace(",", "\t").encode("utf-16"), "sep=": b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
    "quoted sep=": b'"sep=,"\n' + PLAIN.encode(), "spaces behind": PLAIN.replace(",", ", ").encode(),
    "quotes behind spaces": b'filename, person, split\na.jpg, "1", train\nb.jpg, 0, "val"\n',
    "quotes everywhere": ("\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.split()) + "\n").encode(),
    "empty columns": "\n".join(line + ",," for line in PLAIN.split()).encode(),
    "empty cells in rows": PLAIN.replace("val", "val,,").encode(),
    "rows of commas": (PLAIN + ",,\n,,\n").encode(), "blank lines": ("\n\n" + PLAIN.replace("\nb", "\n\nb") + "\n\n").encode(),
    "header in spaces": PLAIN.replace("person", " person ").encode(),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_rows_however_they_are_written(tmp_path: Path, way: str) -> None:
    (tmp_path / "t.csv").write_bytes(WAYS[way])
    assert read_table(tmp_path / "t.csv").to_pylist() == ROWS


@pytest.mark.parametrize("first", ["PK", "PK_id", "pk"])
def test_a_primary_key_in_the_first_column_is_no_archive(tmp_path: Path, first: str) -> None:
    (tmp_path / "t.csv").write_text(f"{first},filename,person\n7,a.jpg,1\n", encoding="utf-8")
    assert read_table(tmp_path / "t.csv").to_pylist() == [{first: "7", "filename": "a.jpg", "person": "1"}]


def test_a_windows_code_page_is_read_and_said_and_can_be_forced(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("filename,Größe\ncafé.jpg,3\n".encode("cp1252"))
    file = open_table(path)
    assert file.table.to_pylist() == [{"filename": "café.jpg", "Größe": "3"}]
    assert "read as Windows-1252" in file.notes[0]
    path.write_bytes("filename,метка\nа.jpg,1\n".encode("cp1251"))
    forced = open_table(path, TableForm(encoding="cp1251"))
    assert forced.table.to_pylist() == [{"filename": "а.jpg", "метка": "1"}]
    assert not forced.notes
    with pytest.raises(InputError, match="its bytes are no ascii"):
        open_table(path, TableForm(encoding="ascii"))
    with pytest.raises(InputError, match="no encoding is called 'cp9'"):
        open_table(path, TableForm(encoding="cp9"))


def test_a_separator_can_be_forced(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("filename|person\na,b;c.jpg|1\n")
    assert read_table(tmp_path / "t.csv", TableForm(separator="|")).to_pylist() == [{"filename": "a,b;c.jpg", "person": "1"}]


def test_two_separators_that_fit_alike_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;b,c\n1;2,3\n")
    with pytest.raises(InputError, match=r"separated by ',' or by ';'"):
        read_table(tmp_path / "t.csv")


def test_lines_count_lines_of_the_file(tmp_path: Path) -> None:
    """Blank lines, the sep= line and the lines within quotes count too."""
    text = 'sep=,\n\nname,"a\nnote"\n\nx,"two\nlines"\ny,\n,\nz,"say ""hi"""\n'
    (tmp_path / "t.csv").write_text(text)
    file = open_table(tmp_path / "t.csv")
    assert [file.place(row) for row in range(3)] == [f"{tmp_path / 't.csv'}:{line}" for line in (6, 8, 10)]
    assert file.table["name"].to_pylist() == ["x", "y", "z"]
    assert file.table["a\nnote"].to_pylist() == ["two\nlines", "", 'say "hi"']


@pytest.mark.parametrize(("text", "message", "line"), [
    ("a,b\n1,2\n3\n", "1 cells, and the header has 2", 3), ("a,b\n\n1,2\n3,4,5\n", "3 cells, and the header has 2", 4),
    ('a,b\n1,"2\n3,4\n', "unexpected end of data", 2), ("", "the table is empty", None), ("\n\n,,\n", "the table is empty", None),
    (",".join(f"c{number}" for number in range(20_000)) + "\n", "20,000 columns", 1),
    ("a,b\n1," + "x" * 10_000_000 + "\n", "a cell of 10,000,000 bytes|field larger than field limit", None),
])
def test_what_is_no_table_is_told_with_its_line(tmp_path: Path, text: str, message: str, line: int | None) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_table(tmp_path / "t.csv")
    assert line is None or caught.value.where == f"{tmp_path / 't.csv'}:{line}"


@pytest.mark.parametrize(("content", "name"), [
    (b"\xd0\xcf\x11\xe0" + bytes(99), "an Excel file of before 2007"), (b"\x1f\x8b\x08" + bytes(20), "packed with gzip"),
    (b'{"a": 1}', "JSON"), (b"\0\1\2\3" * 20, "binary data"),
])
def test_other_files_are_named(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_table(tmp_path / "t.csv")


def test_pipes_devices_and_folders_are_no_tables(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path, word in ((tmp_path / "pipe.csv", "a pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
        with pytest.raises(InputError, match=word):
            read_table(path)


def test_parquet_is_known_by_its_content_and_counts_records(tmp_path: Path) -> None:
    pq.write_table(pa.table({"person": [True, False]}), tmp_path / "t.csv")
    file = open_table(tmp_path / "t.csv")
    assert file.table["person"].to_pylist() == [True, False]
    assert file.place(1) == f"{tmp_path / 't.csv'}: record 2"
    pq.write_table(pa.table({f"c{number}": [1] for number in range(5000)}), tmp_path / "wide.parquet")
    with pytest.raises(InputError, match="5,000 columns"):
        read_table(tmp_path / "wide.parquet")


def test_columns_are_found_in_another_case_where_one_fits(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Filename,Person,PERSON\na,1,0\n")
    file = open_table(tmp_path / "t.csv")
    assert file.column("filename") == "Filename"
    assert file.column("PERSON") == "PERSON"
    with pytest.raises(InputError, match="no column 'person'"):
        file.column("person")


def test_excel(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["filename", "person", "split"], ["a.jpg", 1, "train"], [None, None, None], ["b.jpg", False, "val"]):
        book.active.append(row)
    book.create_sheet("other")
    book.save(tmp_path / "t.xlsx")
    file = open_table(tmp_path / "t.xlsx")
    assert file.table.to_pylist() == [ROWS[0], ROWS[1] | {"person": "FALSE"}]
    assert file.lines.tolist() == [2, 4]
    assert "sheet 'Sheet' is read, the other 1 are not" in file.notes[0]


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{size}<sheetData>{rows}</sheetData></worksheet>'


def sheet_row(number: int, **cells: str) -> str:
    texts = "".join(f'<c r="{column}{number}" t="inlineStr"><is><t>{text}</t></is></c>' for column, text in cells.items())
    return f'<row r="{number}">{texts}</row>'


def write_workbook(path: Path, *rows: str, size: str = "") -> None:
    """A workbook whose first sheet is these rows of XML."""
    openpyxl = pytest.importorskip("openpyxl")
    book = io.BytesIO()
    openpyxl.Workbook().save(book)
    with zipfile.ZipFile(book) as parts, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in parts.namelist():
            is_sheet = name == "xl/worksheets/sheet1.xml"
            archive.writestr(name, SHEET.format(size=size, rows="".join(rows)) if is_sheet else parts.read(name))


def test_the_size_that_a_sheet_says_it_has_is_no_matter(tmp_path: Path) -> None:
    """Made as long as that, the rows would be 16,384 cells x 1,048,576."""
    write_workbook(tmp_path / "t.xlsx", sheet_row(1, A="filename", B="label"), sheet_row(3, A="a.jpg", B="1"),
                   size='<dimension ref="A1:XFD1048576"/>')
    file = open_table(tmp_path / "t.xlsx")
    assert file.table.to_pylist() == [{"filename": "a.jpg", "label": "1"}]
    assert file.lines.tolist() == [3]


@pytest.mark.parametrize(("rows", "match"), [
    ((sheet_row(2**40, A="a"),), "more than 1,048,576 rows"), ((sheet_row(2, A="a", XFD="1"),), "16,384 columns"),
    ((sheet_row(2, A="x" * 1_000_001),), "a cell of 1,000,001 letters")])
def test_a_sheet_larger_than_a_table(rows: tuple[str, ...], match: str, tmp_path: Path) -> None:
    write_workbook(tmp_path / "t.xlsx", sheet_row(1, A="filename", B="label"), *rows)
    with pytest.raises(InputError, match=match):
        open_table(tmp_path / "t.xlsx")


def test_excel_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(MissingRequirement) as caught:
        read_table(tmp_path / "t.xlsx")
    assert caught.value.exit_code == 3
    assert "pip install 'tinysieve[excel]'" in caught.value.fix


def test_a_broken_workbook_is_an_input_error(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(InputError, match="the Excel file cannot be read"):
        read_table(tmp_path / "t.xlsx")


@pytest.mark.parametrize("first", ["a.jpg,1", "images/a.JPEG;1", "images/a.png 1", "1\ta.webp"])
def test_a_row_in_the_place_of_the_header_is_no_header(tmp_path: Path, first: str) -> None:
    """Read as one it would be lost, and its photo without a label."""
    (tmp_path / "t.csv").write_text(f"{first}\n{first.replace('a', 'b')}\n")
    with pytest.raises(InputError, match="the first line names no columns: it is a row about"):
        open_table(tmp_path / "t.csv")
