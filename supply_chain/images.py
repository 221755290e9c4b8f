"""Software bills of materials (CycloneDX) of the images: what each Dockerfile installs, resolved but not installed.

    make sbom    # also those of the wheel

The packages are those that a Dockerfile's own lines name, as pip resolves them under constraints.txt for the running Python,
with the SHA-256 of each file. The base image stands as a component of its own: its Debian packages are its publisher's, and are
listed by whoever has the image (`docker scout sbom`, `syft`).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lock import ROOT, canonical, report_of

IMAGES = {"cpu": "Dockerfile", "gpu": "Dockerfile.gpu"}


def requirements_of(dockerfile: str) -> list[str]:
    """What pip is asked for: names in quotes, and what the program prints that writes requirements.txt.

    >>> requirements_of("RUN pip install -c constraints.txt 'a[b]==1'")
    ['a[b]==1']
    """
    text = dockerfile.replace("\\\n", "")
    named = [name for line in re.findall(r"pip install ([^\n&]*)", text) for name in re.findall(r"'([^']+)'", line)]
    for program in re.findall(r'python -c "([^"]+)" > requirements\.txt', text):
        printed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        named += printed.split("\n")
    return [name for name in named if name]


def base_of(dockerfile: str) -> str:
    """The image that it begins with.

    >>> base_of("# x\\nFROM python:3.11-slim\\nRUN true")
    'python:3.11-slim'
    """
    return re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)[-1]


def bill(name: str, base: str, packages: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A CycloneDX document; the same packages give the same bytes."""
    image, _, tag = base.partition(":")
    components: list[dict[str, Any]] = [{"type": "container", "name": image, "version": tag, "purl": f"pkg:docker/{image}@{tag}"}]
    for package in sorted(packages, key=lambda package: canonical(package["metadata"]["name"])):
        about, hashes = package["metadata"], package["download_info"].get("archive_info", {}).get("hashes", {})
        purl = f"pkg:pypi/{canonical(about['name'])}@{about['version']}"
        licence = about.get("license_expression") or (about.get("license") or "").strip().split("\n")[0][:80]
        components.append({"type": "library", "name": about["name"], "version": about["version"], "purl": purl, "bom-ref": purl,
                           **({"hashes": [{"alg": "SHA-256", "content": hashes["sha256"]}]} if "sha256" in hashes else {}),
                           **({"licenses": [{"license": {"name": licence}}]} if licence else {})})
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "metadata": {"component": {"type": "container", "name": f"tinysieve:{name}"}}, "components": components}


def main() -> None:
    """Write a bill an image into build/."""
    (ROOT / "build").mkdir(exist_ok=True)
    for name, file in IMAGES.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        packages = report_of(Path(sys.executable), requirements_of(text))
        made = ROOT / f"build/tinysieve-image-{name}.cdx.json"
        made.write_text(json.dumps(bill(name, base_of(text), packages), indent=1) + "\n", encoding="utf-8")
        print(f"{len(packages):>4} packages on {base_of(text)}  {made.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
