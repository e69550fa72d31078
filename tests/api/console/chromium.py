"""A headless Chromium over the DevTools protocol on two pipes: no port, no driver, no library.

    Chromium ─▶ Tab ─▶ goto · evaluate · screenshot        `Tab.complaints`: console, exceptions, refused by the policy

The browser reads requests from descriptor 3 and writes answers to 4 (`--remote-debugging-pipe`), JSON ended by a NUL.
https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 30.0
_NOT_OURS = "NavigationEntryMarkedSkippable"
"""An issue of pages that a program leaves without a person's click."""

_COMPLAINTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Audits.issueAdded")
_FIRST_FREE = 10
_LAUNCH = "import os,sys; os.dup2(int(sys.argv[1]),3); os.dup2(int(sys.argv[2]),4); os.execv(sys.argv[3],sys.argv[3:])"
_QUIET = (
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--disable-dev-shm-usage", "--no-sandbox", "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip


def installed() -> str | None:
    """The browser of this machine, or nothing."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Chromium:
    """A running browser."""

    def __init__(self, reader: asyncio.StreamReader, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tabs: dict[str, Tab] = {}

    async def listen(self) -> None:
        """Hand answers and events on until the browser closes its end."""
        while True:
            try:
                said = json.loads((await self._reader.readuntil(b"\0"))[:-1])
            except asyncio.IncompleteReadError:
                return
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            elif (tab := self._tabs.get(said.get("sessionId", ""))) is not None:
                tab.hear(said["method"], said["params"])

    async def send(self, method: str, params: Mapping[str, Any] | None = None, session: str = "") -> dict[str, Any]:
        """The answer to a request. Raises `RuntimeError` for one that the browser refuses."""
        self._number += 1
        answer = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        request = {"id": self._number, "method": method, "params": params or {}}
        request |= {"sessionId": session} if session else {}
        os.write(self._writer, json.dumps(request).encode() + b"\0")
        said = await asyncio.wait_for(answer, TIMEOUT_S)
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']}")
        result: dict[str, Any] = said["result"]
        return result

    async def tab(self) -> Tab:
        """A new tab with cookies of its own."""
        context = await self.send("Target.createBrowserContext")
        target = await self.send("Target.createTarget", {"url": "about:blank", **context})
        session = await self.send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        tab = Tab(self, session["sessionId"])
        self._tabs[session["sessionId"]] = tab
        for domain in ("Page", "Runtime", "Log", "Audits"):
            await tab.send(f"{domain}.enable")
        return tab


class Tab:
    """One tab: where it goes, what it shows, and what the browser complained about."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser, self._session = browser, session
        self._loaded = asyncio.Event()
        self.complaints: list[str] = []

    def hear(self, method: str, params: dict[str, Any]) -> None:
        """Take an event."""
        if method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Log.entryAdded":
            self.complaints.append(f"{params['entry']['source']}: {params['entry']['text']}")
        elif method in _COMPLAINTS and _NOT_OURS not in (said := json.dumps(params)):
            self.complaints.append(f"{method}: {said[:400]}")

    async def send(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a request about this tab."""
        return await self._browser.send(method, params, self._session)

    async def size(self, width: int, height: int = 900) -> None:
        """Look through a window of so many CSS pixels."""
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    async def language(self, tag: str) -> None:
        """Prefer a language."""
        await self.send("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": tag}})

    async def goto(self, url: str) -> None:
        """Open a page and wait until all of it is there."""
        self._loaded.clear()
        found = await self.send("Page.navigate", {"url": url})
        if "errorText" in found:
            raise RuntimeError(f"{url}: {found['errorText']}")
        await asyncio.wait_for(self._loaded.wait(), TIMEOUT_S)

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = await self.send("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:400])
        return found["result"].get("value")

    async def leave(self, expression: str) -> None:
        """Do what leads to another page, and wait for that."""
        self._loaded.clear()
        await self.evaluate(expression)
        await asyncio.wait_for(self._loaded.wait(), TIMEOUT_S)

    async def press(self, key: str) -> None:
        """Press a key and let it go."""
        codes = {"Tab": 9, "Enter": 13}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.send("Input.dispatchKeyEvent", {"type": "keyDown", **about, **text})
        await self.send("Input.dispatchKeyEvent", {"type": "keyUp", **about})

    async def medium(self, media: str = "screen", scheme: str = "light") -> None:
        """Look at pages on a screen or as they are printed, in a light or a dark scheme."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.send("Emulation.setEmulatedMedia", {"media": media, "features": features})

    async def screenshot(self, *, whole: bool = False) -> bytes:
        """The window as a PNG, or the whole page."""
        found = await self.send("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        return base64.b64decode(found["data"])


@asynccontextmanager
async def browsing(program: str, profile: Path) -> AsyncIterator[Chromium]:
    """A browser with a profile of its own, closed at the end."""
    theirs_in, ours_out = _high(os.pipe())
    ours_in, theirs_out = _high(os.pipe())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-ISc", _LAUNCH, str(theirs_in), str(theirs_out), program, *_QUIET,
        f"--user-data-dir={profile}", "about:blank",
        pass_fds=(theirs_in, theirs_out), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs_in)
    os.close(theirs_out)
    reader = asyncio.StreamReader(limit=1 << 28)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours_in, "rb", buffering=0)
    )
    browser = Chromium(reader, ours_out)
    listening = asyncio.create_task(browser.listen())
    try:
        yield browser
    finally:
        await browser.send("Browser.close")
        await asyncio.wait_for(process.wait(), TIMEOUT_S)
        await listening
        transport.close()
        os.close(ours_out)


def _high(ends: tuple[int, int]) -> tuple[int, int]:
    """The ends of a pipe under numbers that the browser's own do not take."""
    moved = tuple(fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for one in ends)
    for one in ends:
        os.close(one)
    return moved[0], moved[1]
