"""Runs scripts of a test in a page of a real engine, and brings back what they return."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

from client_site import ISOLATED, NO_STORE, Origin, Posted

from pipeline.backends.web import session
from pipeline.backends.web.driver import PageFailure

#: Of one script; a busy machine is slow.
TIMEOUT_S = 120
_CHECK_S = 0.2

#: What a page of a user is: nothing of the client, which a script imports by its URL.
HTML = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>a page of another origin</title>
<link rel="icon" href="data:,">
<script>
const AsyncFunction = (async () => {}).constructor;
const plain = (error) => ({ ...error, name: error?.name, message: String(error?.message ?? error),
                            stack: error?.stack });
function start({ script, args, answer }) {
  new AsyncFunction("args", script)(args)
    .then((value) => ({ value: value ?? null }), (error) => ({ error: plain(error) }))
    .then((said) => fetch(answer, { method: "POST", body: JSON.stringify(said) }));
}
</script>
"""


#: WebKit's driver gives it a private session, which forgets a cache that no page has open, so also
#: at a reload. A second page that has all of them open stands for a session that is not private.
_HOLD = """
const held = self.held = {};
const hold = async () => {
  for (const name of await caches.keys()) held[name] ??= await caches.open(name);
};
setInterval(hold, 20);
"""


class ScriptError(Exception):
    """What a script threw: its fields are those of the JavaScript error, ``code`` and all."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(f"{fields.get('name')}: {fields.get('message')}\n{fields.get('stack')}")
        self.fields = fields
        self.name: str | None = fields.get("name")
        self.message: str = fields.get("message", "")
        self.code: str | None = fields.get("code")


def page_origin() -> Origin:
    """A page's own origin: ``/`` is the page, ``/isolated`` the same with threads."""
    origin = Origin(NO_STORE, extra_headers={"/isolated": ISOLATED})
    for path in ("/", "/isolated"):
        origin.put(path, HTML)
    return origin


class ScriptPage:
    """One page in one engine."""

    def __init__(self, engine: str, origin: Origin, path: str = "/") -> None:
        self.engine, self.origin, self.url = engine, origin, origin.url(path)
        self.browser = session.running(engine).browser
        #: The driver's page: ``pipeline.backends.web.driver.Page``.
        self.driver: Any = self.browser.open(self.url)
        self._holder: ScriptPage | None = None

    def hold_caches(self) -> None:
        """Let what the page keeps outlive it, also where the driver's session is private."""
        if self.engine == "webkit":
            self._holder = ScriptPage(self.engine, self.origin)
            self._holder.run(_HOLD)

    def run(self, script: str, /, timeout_s: float = TIMEOUT_S, **args: Any) -> Any:
        """Run the body of an async function of ``args``; what it returns, as JSON has it.

        Raises:
            ScriptError: it threw.
        """
        self.start(script, **args)
        return self.result(timeout_s)

    def start(self, script: str, /, **args: Any) -> None:
        """Begin to run a script; ``result`` waits for it."""
        self._answer = Posted()
        path = f"/answer/{id(self._answer)}-{time.monotonic_ns()}"
        self.origin.fail(path, self._answer.take, times=1)
        task = {"script": script, "args": args, "answer": self.origin.url(path)}
        self.driver.start(task)

    def result(self, timeout_s: float = TIMEOUT_S) -> Any:
        """What the script that was started returned."""
        deadline = time.monotonic() + timeout_s
        while not self._answer.came.wait(_CHECK_S):
            self.driver.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer from the page in {timeout_s} s")
        said = json.loads(self._answer.body)
        if "error" in said:
            raise ScriptError(said["error"])
        return said["value"]

    def reload(self) -> None:
        """Load the page again in the same profile."""
        self.driver.load(self.url)

    def move(self, origin: Origin, path: str) -> None:
        """Go to a page of another origin, which knows nothing of this one's."""
        self._let_go()
        self.origin, self.url = origin, origin.url(path)
        self.reload()

    def _let_go(self) -> None:
        if self._holder:
            self._holder.close()
        self._holder = None

    def close(self) -> None:
        self._let_go()
        self.driver.close()


class Pages:
    """A page of each engine that goes from test to test, since a new one takes four times as long.

    Each test's origins have ports of their own, so that nothing is kept from one to the next.
    """

    def __init__(self) -> None:
        self._pages: dict[str, ScriptPage] = {}

    def open(self, engine: str, origin: Origin, path: str = "/") -> ScriptPage:
        """The engine's page, at another origin; a new one where its browser is."""
        page = self._pages.get(engine)
        if page and page.browser is session.running(engine).browser:
            with suppress(PageFailure):
                page.move(origin, path)
                return page
        page = self._pages[engine] = ScriptPage(engine, origin, path)
        return page
