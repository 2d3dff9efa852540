"""A real headless Chromium, driven over the W3C WebDriver protocol; there is little to say to it, so no client package."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
TAB, ENTER, SHIFT = "\ue004", "\ue007", "\ue008"


class Browser:
    """One browser with an empty profile. Use it in `with`."""

    def __init__(self) -> None:
        self._profile = tempfile.mkdtemp(prefix="hee-chromium-")
        self._driver = subprocess.Popen(
            [str(DRIVER), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        said = ""
        while "successfully on port" not in said:
            said = self._driver.stdout.readline()
        self._port = int(said.rpartition("port ")[2].strip().rstrip("."))
        options = {"binary": BROWSER, "args": [*FLAGS, f"--user-data-dir={self._profile}"]}
        wanted = {
            "capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        }
        self._session = ""
        self._session = "/session/" + self._ask("POST", "/session", wanted)["sessionId"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ask("DELETE", "")
        self._driver.terminate()
        self._driver.wait()
        self._driver.stdout.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            text = None if method != "POST" else json.dumps(body or {})
            connection.request(method, self._session + path, text, {"content-type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{path}: {value['error']}: {value['message'][:300]}")
        return value

    def open(self, url: str) -> None:
        self._ask("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: object) -> Any:
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def later(self, script: str) -> Any:
        """Waits, at most half a minute, until an expression of the page is true, and gives it."""
        return self._ask("POST", "/execute/async", {"script": (
            "const done = arguments[arguments.length - 1]; const end = Date.now() + 25000;"
            f"const look = () => {{ const found = (() => {{ {script} }})();"
            " found || Date.now() > end ? done(found) : setTimeout(look, 20); }; look();"
        ), "args": []})  # fmt: skip

    def chrome(self, command: str, **params: object) -> Any:
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def keys(self, *keys: str) -> None:
        """Presses keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def size(self, width: int, height: int = 900, *, mobile: bool = False) -> None:
        self.chrome(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile
        )

    def scheme(self, name: str) -> None:
        """`light` or `dark`, at once: nothing fades from one to the other."""
        wanted = {"prefers-color-scheme": name, "prefers-reduced-motion": "reduce"}
        features = [{"name": key, "value": value} for key, value in wanted.items()]
        self.chrome("Emulation.setEmulatedMedia", features=features)

    def scripts(self, on: bool) -> None:
        self.chrome("Emulation.setScriptExecutionDisabled", value=not on)

    def complaints(self) -> list[str]:
        """What the page's console said since the last time: refused loads and scripts among it."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]

    def picture(self, file: Path, *, whole: bool = True) -> None:
        made = self.chrome("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(made["data"]))
