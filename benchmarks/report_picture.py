"""A picture of a report for the README, photographed in headless Chromium; skipped where there is none.

    python benchmarks/report_picture.py [REPORT.html] [PICTURE.png] [WIDTH] [HEIGHT]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without a sandbox, because containers run as root; no network is needed, so nothing may ask for one.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")
REPORTS = (Path("runs/voc2007/report/report.html"), Path("runs/demo/run/report/report.html"))
PICTURE, WIDTH, HEIGHT = Path("docs/report.png"), 1280, 1500
TIMEOUT_SECONDS = 120


def photograph(browser: str, page: Path, picture: Path, width: int, height: int) -> None:
    """Write the upper `height` pixels of the page, `width` pixels wide, as PNG."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", f"--screenshot={picture.resolve()}",
                   f"--window-size={width},{height}", page.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)


def main(arguments: list[str]) -> str:
    """Take the picture, or say why there is none."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        return "skipped: no Chromium here (" + ", ".join(BROWSERS) + ")"
    pages = [Path(arguments[0])] if arguments else [path for path in REPORTS if path.exists()]
    if not pages or not pages[0].exists():
        return "skipped: no report yet; run 'make demo' first"
    picture = Path(arguments[1]) if len(arguments) > 1 else PICTURE
    width, height = (int(arguments[2]), int(arguments[3])) if len(arguments) > 3 else (WIDTH, HEIGHT)
    photograph(browser, pages[0], picture, width, height)
    return f"{picture}: {width} x {height} pixels of {pages[0]}"


if __name__ == "__main__":
    print(main(sys.argv[1:]))
