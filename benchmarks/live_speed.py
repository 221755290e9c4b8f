"""The live page in a real browser: its size, seconds until it is ready and until its first answer, frames a second.

    python benchmarks/live_speed.py RUN/live.html [--seconds 10]

Headless Chromium opens the file from disk; its own test picture is the camera. The page is ready when its golden vectors have
been computed and compared. Frames a second are the page's own count. Goals: under 3,000,000 B, a first answer within 2 s of the
click that starts the camera, 10 frames a second. Results go to benchmarks/results/live_speed.json. Skipped where there is no
Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from chromium import browse, find_browser

from tinysieve.ground.atomic_files import write_text

RESULT = Path(__file__).parent / "results" / "live_speed.json"
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def main() -> None:
    """Open the page once and watch it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    asked, browser = parser.parse_args(), find_browser()
    if browser is None:
        raise SystemExit("skipped: no Chromium here")
    with browse(browser, *CAMERA) as page:
        page.open(asked.page.resolve().as_uri())
        page.until("document.documentElement.dataset.ready === 'yes'")
        ready = page.evaluate("performance.now()") / 1000
        began = page.evaluate("document.getElementById('camera').click(), performance.now()")
        page.until("window.lastFrame()")
        first = (page.evaluate("performance.now()") - began) / 1000
        time.sleep(asked.seconds)
        said = page.evaluate("document.getElementById('speed').textContent")
        complaints = page.complaints
    measured = {"bytes": asked.page.stat().st_size, "cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 1),
                "ready_s": round(ready, 2), "first_answer_s": round(first, 2), "said": said, "complaints": complaints}
    write_text(RESULT, json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
