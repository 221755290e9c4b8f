"""Lock files with hashes: what `make` installs, to the byte, for this Python on this kind of machine.

pip resolves the extras under constraints.txt without installing anything; of its report the name, version and SHA-256 of each
file are kept. No address is written: whoever installs takes the same bytes from an index of their own choice.

    make lock                      # for .venv's Python
    make lock PYTHON=python3.12    # for another one

PyTorch is left out. Its builds for the CPU and for CUDA have one version and other bytes, need other packages, and come from
other indexes; which one is wanted is a choice of the machine. It is installed first, by version alone.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "locks"
EXTRAS = {"run": "demo,mcu", "detect": "demo,mcu,detect", "dev": "demo,mcu,detect,dev"}
# Builds of one version that differ in their bytes, and what only some of them need.
CHOSEN_BY_MACHINE = ("torch", "torchvision", "triton", "nvidia-", "cuda-")
KEPT = ("nvidia-ml-py",)


def lock_name(group: str) -> str:
    """File of a group of extras for the running Python.

    >>> lock_name("run").startswith("run-py3")
    True
    """
    major, minor, *_ = platform.python_version_tuple()
    return f"{group}-py{major}.{minor}-{sys.platform}-{platform.machine()}.txt"


def canonical(name: str) -> str:
    """A package's name as indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")


def resolved(python: Path, extras: str) -> list[dict[str, Any]]:
    """What pip would install for these extras, and what builds the package itself; nothing is installed."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    return report_of(python, [f"{ROOT}[{extras}]", *build])


def report_of(python: Path, requirements: Iterable[str]) -> list[dict[str, Any]]:
    """Pip's report of what it would install for these under constraints.txt."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run",
                        "--ignore-installed", "--constraint", ROOT / "constraints.txt", "--report", report,
                        *requirements], check=True)
        return list(json.loads(report.read_text(encoding="utf-8"))["install"])


def is_chosen_by_machine(name: str) -> bool:
    """Left to the machine: see CHOSEN_BY_MACHINE."""
    return canonical(name) not in KEPT and canonical(name).startswith(CHOSEN_BY_MACHINE)


def lines(packages: Iterable[dict[str, Any]]) -> list[str]:
    """`name==version --hash=...`, sorted; ours and those that the machine chooses are left out."""
    made = []
    for package in packages:
        name, version = package["metadata"]["name"], package["metadata"]["version"]
        if canonical(name) == "tinysieve" or is_chosen_by_machine(name):
            continue
        digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
        made.append(f"{canonical(name)}=={version} --hash=sha256:{digest}")
    return sorted(made)


def main() -> None:
    """Write the lock of each group for a Python, which has to be the one that this script runs on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", choices=EXTRAS, help="print the name of this group's lock, and make none")
    parser.add_argument("--group", choices=EXTRAS, action="append", help="only this one")
    asked = parser.parse_args()
    if asked.name:
        print(lock_name(asked.name))
        return
    LOCKS.mkdir(exist_ok=True)
    for group in asked.group or EXTRAS:
        extras = EXTRAS[group]
        body = lines(resolved(Path(sys.executable), extras))
        head = f"# tinysieve[{extras}] for this file's Python and machine, made by `make lock`; without PyTorch."
        (LOCKS / lock_name(group)).write_text("\n".join([head, *body]) + "\n", encoding="utf-8")
        print(f"{len(body):>4} packages  {LOCKS / lock_name(group)}")


if __name__ == "__main__":
    main()
