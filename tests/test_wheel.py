"""The distributions: complete, and at home in an environment and a folder where others use our old names too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_tflite import tiny_model

ROOT = Path(__file__).parents[1]
PACKED = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "src")
# Names that tinysieve's packages had when they stood at the top; `dataset` is also a package of others on the index.
OURS_ONCE = ("dataset", "models", "configs", "pipeline", "filtering", "training", "quantize")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints on standard output; it must succeed, and it does not see this checkout."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env={**plain, "COLUMNS": "100"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A fresh environment, which sees the heavy packages of this one behind its own."""

    folder: Path

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.folder)}))

    def pip(self, *words: str | Path) -> None:
        """Run pip while the packages of this environment are out of its sight: it must not touch them."""
        borrowed = self.packages / "borrowed.pth"
        borrowed.unlink(missing_ok=True)
        run(*PIP, "--python", self.folder / "bin/python", *words, cwd=self.folder)
        borrowed.write_text("\n".join(path for path in sys.path if path.endswith("site-packages")) + "\n")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, made from a copy: builds leave folders behind. The links at the root are there too."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("sdist")
    links = [path.name for path in ROOT.iterdir() if path.is_symlink() and not path.readlink().is_absolute()]
    for name in PACKED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, copy / name)
    for name in links:
        (copy / name).symlink_to((ROOT / name).readlink())
    run(sys.executable, "-c", f"import setuptools.build_meta as backend; backend.build_sdist({str(out)!r})", cwd=copy)
    return next(out.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that pip builds from the source distribution."""
    out = tmp_path_factory.mktemp("wheel")
    run(*PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", out, sdist, cwd=out)
    return next(out.glob("tinysieve-*.whl"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the index's `dataset`; where no index answers, a wheel made here with that name and that top-level package."""
    out = tmp_path_factory.mktemp("stranger")
    try:
        run(*PIP, "download", "dataset==2.0.0", "--no-deps", "--retries", "0", "--timeout", "5", "--dest", out, cwd=out)
    except AssertionError:
        source = out / "source"
        (source / "dataset").mkdir(parents=True)
        (source / "dataset/__init__.py").write_text('"""Databases for lazy people."""\n')
        (source / "pyproject.toml").write_text('[build-system]\nrequires = ["setuptools"]\n'
                                               'build-backend = "setuptools.build_meta"\n'
                                               '[project]\nname = "dataset"\nversion = "2.0.0"\n')
        run(*PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", out, source, cwd=out)
    return next(out.glob("dataset-*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, stranger: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    environment = Environment(folder)
    environment.pip("install", "--no-deps", "--no-index", "--no-compile", wheel, stranger)
    return environment


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's own with a model and packages that bear our old names; importing one of these is an error."""
    folder = tmp_path_factory.mktemp("workplace")
    for name in OURS_ONCE:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise ImportError('{name} of the user was imported')\n")
    (folder / "tiny.tflite").write_bytes(tiny_model())
    return folder


def files_of_source() -> set[str]:
    return {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src/tinysieve").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


def files_of_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_source_distribution_holds_every_file_once_and_no_link(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert [member.name for member in members if member.issym() or member.islnk()] == []
    inside = [member.name.split("/", 1)[1] for member in members if member.isfile()]
    assert len(inside) == len(set(inside))
    assert {name.removeprefix("src/") for name in inside if name.startswith("src/tinysieve/")} == files_of_source()
    assert {name.split("/")[0] for name in inside} == {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml",
                                                       "setup.cfg", "src"}


def test_the_wheel_holds_every_file_under_one_name(wheel: Path) -> None:
    assert files_of_wheel(wheel) == files_of_source()


def test_it_works_beside_packages_of_its_old_names(environment: Environment, workplace: Path) -> None:
    python, command = environment.folder / "bin/python", environment.folder / "bin/tinysieve"
    names = ("dataset", "tinysieve")
    code = f"import sys, importlib.util as u; sys.path.remove(''); print(*[u.find_spec(n).origin for n in {names!r}], sep='\\n')"
    assert run(python, "-c", code, cwd=workplace).split() == [str(environment.packages / name / "__init__.py") for name in names]
    assert "\nLabels:\n" in run(command, "--help", cwd=workplace)
    assert run(python, "-m", "tinysieve", "--version", cwd=workplace).startswith("tinysieve ")
    assert "\nlicences\n" in run(command, "doctor", cwd=workplace)
    assert "CONV_2D" in run(command, "inspect", "tiny.tflite", cwd=workplace)


def test_removing_the_other_package_leaves_it_whole(environment: Environment, wheel: Path, workplace: Path) -> None:
    environment.pip("uninstall", "--yes", "dataset")
    assert not (environment.packages / "dataset").exists()
    installed = {path.relative_to(environment.packages).as_posix() for path in (environment.packages / "tinysieve").rglob("*")
                 if path.is_file() and "__pycache__" not in path.parts}
    assert installed == files_of_wheel(wheel)
    assert run(environment.folder / "bin/python", "-m", "tinysieve", "--version", cwd=workplace).startswith("tinysieve ")
