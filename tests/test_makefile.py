"""`make` takes the first Python that fits and says which; where none does, one sentence says what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty checkout with nothing but the Makefile, and a folder for the programs that it may see."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    (tmp_path / "bin").mkdir()
    shutil.copy(MAKEFILE, tmp_path / "Makefile")
    return tmp_path


def program(folder: Path, name: str, body: str) -> None:
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def python(folder: Path, name: str, version: tuple[int, int], has_venv: bool = True) -> None:
    """A Python that says it has this version, and whose `venv` leaves its own name behind."""
    hidden = "" if has_venv else "sys.modules['ensurepip'] = None; "
    program(folder, name, f"""case "$1" in
-c) exec "{sys.executable}" -c "import sys; sys.version_info = ({version[0]}, {version[1]}, 0); {hidden}$2" ;;
--version) echo "Python {version[0]}.{version[1]}.0" ;;
-m) /bin/mkdir -p .venv/bin && echo {name} > .venv/bin/python ;;
esac""")


def make(folder: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(shutil.which("make")), ".venv/bin/python", *settings], cwd=folder, capture_output=True, text=True,
                          env={"PATH": str(folder / "bin")}, check=False)


def test_the_newest_that_fits_is_taken_and_named(folder: Path) -> None:
    python(folder, "python3.14", (3, 14))
    python(folder, "python3.12", (3, 12))
    python(folder, "python3.11", (3, 11))
    done = make(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "using python3.12, which is Python 3.12.0, for .venv\n"
    assert (folder / ".venv/bin/python").read_text() == "python3.12\n"


def test_a_python_without_venv_and_a_name_that_starts_nothing_are_passed_by(folder: Path) -> None:
    program(folder, "python3.13", "echo 'no such version here' >&2; exit 127")
    python(folder, "python3.12", (3, 12), has_venv=False)
    python(folder, "python3", (3, 11))
    assert make(folder).stdout == "using python3, which is Python 3.11.0, for .venv\n"


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_with_none_that_fits_one_sentence_says_what_to_do(folder: Path, version: tuple[int, int]) -> None:
    python(folder, "python3", version)
    done = make(folder)
    assert done.returncode != 0
    (sentence,) = done.stdout.splitlines()
    assert "3.11, 3.12 or 3.13" in sentence
    assert "install python3.13" in sentence
    assert not (folder / ".venv").exists()


def test_uv_brings_a_python_where_none_fits(folder: Path) -> None:
    python(folder, "python3", (3, 14))
    program(folder, "uv", '/bin/mkdir -p .venv/bin && echo "$@" > .venv/bin/python')
    done = make(folder)
    assert done.returncode == 0, done.stderr
    assert "uv brings 3.13" in done.stdout
    assert (folder / ".venv/bin/python").read_text() == "venv --quiet --seed --python 3.13 .venv\n"


def test_a_python_that_is_named_is_the_only_one_asked(folder: Path) -> None:
    python(folder, "python3.13", (3, 13))
    python(folder, "mine", (3, 11))
    assert "using mine" in make(folder, "PYTHON=mine").stdout
