"""A real browser without a window, driven over its DevTools protocol: for tests of our pages, their timing and their pictures."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import websocket

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without a sandbox, because containers run as root; no network is needed, so nothing may ask for one.
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0",
         "--remote-allow-origins=*")
_KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35, "Tab": 9, "Escape": 27,
         "Enter": 13, " ": 32}
_SECONDS = 60.0


@dataclass
class Page:
    """One open page."""

    socket: websocket.WebSocket
    complaints: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One DevTools command and its result; what the page complains of meanwhile is kept in `complaints`."""
        number = next(self._numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self.socket.recv())
            if said.get("id") == number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']['message']}")
                return dict(said["result"])
            self._hear(said)

    def _hear(self, said: dict[str, Any]) -> None:
        if said["method"] == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(said["params"]["exceptionDetails"]))
        elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
            self.complaints.append(said["params"]["entry"]["text"])

    def open(self, address: str) -> None:
        """Go to an address and wait until it has loaded."""
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def reload(self) -> None:
        """Load the page again, as a person would."""
        self.evaluate("window.stale = true")
        self.call("Page.reload")
        self.until("document.readyState === 'complete' && !window.stale")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        made = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in made:
            raise RuntimeError(f"{expression}: {made['exceptionDetails'].get('exception', {}).get('description')}")
        return made["result"].get("value")

    def until(self, condition: str, seconds: float = _SECONDS) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.evaluate(f"Boolean({condition})"):
                    return
            except RuntimeError:
                pass  # The page is just being replaced by the next one.
            time.sleep(0.05)
        raise TimeoutError(f"not within {seconds:.0f} s: {condition}")

    def press(self, key: str, shift: bool = False) -> None:
        """One key, down and up, as from a keyboard."""
        code = _KEYS.get(key, ord(key.upper()) if len(key) == 1 else 0)
        text = {} if len(key) > 1 else {"text": key}
        shape = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
        self.call("Input.dispatchKeyEvent", type="keyDown", **shape, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **shape)

    def resize(self, width: int, height: int, dark: bool = False) -> None:
        """Size of the window in CSS pixels, and what the system prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def photograph(self, picture: Path) -> None:
        """What is in the window, as PNG."""
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


def find_browser() -> str | None:
    """Where Chromium or Chrome is, if it is installed."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@contextmanager
def browse(browser: str, *flags: str) -> Iterator[Page]:
    """Start the browser with a profile of its own and give its page; `flags` beside those that every page gets."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            socket = websocket.create_connection(_page_socket(Path(profile), process), timeout=_SECONDS)
            try:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log"):
                    page.call(f"{domain}.enable")
                yield page
            finally:
                socket.close()
        finally:
            process.terminate()
            process.wait(timeout=_SECONDS)


def _page_socket(profile: Path, process: subprocess.Popen[bytes]) -> str:
    told, end = profile / "DevToolsActivePort", time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        if told.exists() and len(lines := told.read_text().split()) == 2:
            with urlopen(Request(f"http://127.0.0.1:{lines[0]}/json/list"), timeout=_SECONDS) as answer:
                pages = [one for one in json.load(answer) if one["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise RuntimeError("the browser did not start")
