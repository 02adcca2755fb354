"""The demo page in a real engine: scripts run in it, and real keys and pointers reach it.

The page's Content-Security-Policy forbids ``eval``, so that scripts come through the drivers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from pipeline.backends.web import session
from pipeline.backends.web.driver import PageFailure

#: A busy machine is slow.
WAIT_S = 120
_POLL_S = 0.05

#: WebDriver's code points (https://w3c.github.io/webdriver/#keyboard-actions) of keys with names.
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Space": " ", "Shift": "\ue008", "ArrowRight": "\ue014"}

#: Keeps what goes wrong in the page where a test can read it.
RECORDER = """
  window.__wrong ??= [];
  addEventListener("error", ({ message }) => message && __wrong.push(message));
  addEventListener("unhandledrejection", ({ reason }) => __wrong.push(String(reason)));
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    __wrong.push(`${violatedDirective} blocked ${blockedURI}`));
  const error = console.error;
  console.error = (...said) => { __wrong.push(said.join(" ")); error(...said); };
"""

#: Before, the page says nothing of where it runs.
LOADED = "/in a worker|on the page/.test(document.querySelector('.stats')?.textContent)"

Point = tuple[float, float]
Actions = list[dict[str, Any]]


class Driver(Protocol):
    """What an engine's page has to do."""

    def load(self, url: str) -> None: ...

    def call(self, body: str, argument: str) -> str:
        """Run the body of an async function of ``argument``, which returns text."""

    def act(self, actions: Actions) -> None:
        """Perform actions as WebDriver has them."""

    def close(self) -> None: ...


class DemoPage:
    """The demo in one engine, in a profile of its own where the engine has such."""

    def __init__(self, engine: str, url: str) -> None:
        self.engine, self.url = engine, url
        self.driver = _DRIVERS[engine](session.running(engine).browser)
        self._wrong: list[str] = []
        self.load()

    def load(self, fragment: str = "") -> None:
        """Load it, anew where it is there already, and wait for the model."""
        self._wrong += self.get("window.__wrong ?? []")
        self.driver.load("about:blank")
        self.driver.load(self.url + fragment)
        self.run(RECORDER)
        self.until(LOADED, "the model to be loaded")

    def run(self, body: str, **args: Any) -> Any:
        """What the body of an async function of ``args`` returns, as JSON has it."""
        wrapped = (
            "const args = JSON.parse(argument);"
            f"const value = await (async () => {{ {body} }})();"
            "return JSON.stringify(value ?? null);"
        )
        return json.loads(self.driver.call(wrapped, json.dumps(args)))

    def get(self, expression: str, **args: Any) -> Any:
        """The value of an expression."""
        return self.run(f"return {expression};", **args)

    def text(self, selector: str) -> str:
        """The visible text of the first element that a selector finds."""
        found: str = self.get("document.querySelector(args.selector).innerText", selector=selector)
        return found.strip()

    def until(self, condition: str, what: str, timeout_s: float = WAIT_S, **args: Any) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + timeout_s
        while not self.get(f"Boolean({condition})", **args):
            if time.monotonic() > deadline:
                shown = self.get("document.body.innerText + '\\n' + (window.__wrong ?? [])")
                raise AssertionError(f"waited {timeout_s} s for {what}; the page says:\n{shown}")
            time.sleep(_POLL_S)

    def click(self, selector: str, index: int = 0) -> None:
        """Click an element as a script does, which needs no place on the screen."""
        self.run(
            "const found = document.querySelectorAll(args.selector)[args.index];"
            "if (!found || found.disabled) throw new Error(`${args.selector} cannot be clicked`);"
            "found.click();",
            selector=selector,
            index=index,
        )

    def give(self, selector: str, files: dict[str, bytes], index: int = 0) -> None:
        """Choose files in a file field."""
        listed = {name: list(content) for name, content in files.items()}
        self.run(
            "const field = document.querySelectorAll(args.selector)[args.index];"
            "const data = new DataTransfer();"
            "for (const [name, bytes] of Object.entries(args.files)) {"
            "  const type = name.endsWith('.png') ? 'image/png' : '';"
            "  data.items.add(new File([new Uint8Array(bytes)], name, { type }));"
            "}"
            "field.files = data.files;"
            "field.dispatchEvent(new Event('change', { bubbles: true }));",
            selector=selector,
            files=listed,
            index=index,
        )

    def press(self, *keys: str) -> None:
        """Press keys one after the other; ``Shift+Tab`` holds the first of two."""
        actions: Actions = []
        for key in keys:
            *held, last = [KEYS.get(part, part) for part in key.split("+")]
            actions += [{"type": "keyDown", "value": one} for one in (*held, last)]
            actions += [{"type": "keyUp", "value": one} for one in (last, *reversed(held))]
        self.driver.act([{"type": "key", "id": "keys", "actions": actions}])

    def draw(self, strokes: Iterable[Sequence[Point]]) -> None:
        """Draw on the pad; points are shares of its sides."""
        box = self.get(
            "(document.querySelector('#pad').scrollIntoView({ block: 'center' }),"
            " document.querySelector('#pad').getBoundingClientRect().toJSON())"
        )
        actions: Actions = []
        for stroke in strokes:
            moves = [
                _move(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke
            ]
            down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
            actions += [moves[0], down, *moves[1:], up]
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self.driver.act([{**pointer, "actions": actions}])

    def wrong(self) -> list[str]:
        """What went wrong in the page, however often it was loaded."""
        return [*self._wrong, *self.get("window.__wrong"), *getattr(self.driver, "wrong", [])]

    def close(self) -> None:
        self.driver.close()


def _move(x: float, y: float) -> dict[str, Any]:
    return {
        "type": "pointerMove",
        "x": round(x),
        "y": round(y),
        "duration": 4,
        "origin": "viewport",
    }


class _Chromium:
    """Playwright."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.page = browser._browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
        self.page.set_default_timeout(1000 * WAIT_S)
        self.wrong: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.wrong.append(message.text)

    def load(self, url: str) -> None:
        self.page.goto(url)

    def call(self, body: str, argument: str) -> str:
        answer: str = self.page.evaluate(f"async (argument) => {{ {body} }}", argument)
        return answer

    def act(self, actions: Actions) -> None:
        names = {value: name for name, value in KEYS.items()}
        for one in (step for source in actions for step in source["actions"]):
            match one["type"]:
                case "pointerMove":
                    self.page.mouse.move(one["x"], one["y"])
                case "pointerDown":
                    self.page.mouse.down()
                case "pointerUp":
                    self.page.mouse.up()
                case "keyDown":
                    self.page.keyboard.down(names.get(one["value"], one["value"]))
                case "keyUp":
                    self.page.keyboard.up(names.get(one["value"], one["value"]))

    def close(self) -> None:
        self.page.context.close()


class _Firefox:
    """WebDriver BiDi."""

    def __init__(self, browser: Any) -> None:
        from pipeline.backends.web.engines.firefox import FirefoxPage

        self.connection = browser._connection
        container = self.connection.command("browser.createUserContext")["userContext"]
        self.page = FirefoxPage(self.connection, browser._process, container)
        self.context = self.page._context

    def load(self, url: str) -> None:
        self.page.load(url)

    def call(self, body: str, argument: str) -> str:
        answer = self.connection.command(
            "script.callFunction",
            functionDeclaration=f"async (argument) => {{ {body} }}",
            arguments=[{"type": "string", "value": argument}],
            target={"context": self.context},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise PageFailure(answer["exceptionDetails"]["text"])
        text: str = answer["result"]["value"]
        return text

    def act(self, actions: Actions) -> None:
        self.connection.command("input.performActions", context=self.context, actions=actions)

    def close(self) -> None:
        self.page.close()


class _WebKit:
    """WebKit's own WebDriver, through Selenium. All windows share one profile."""

    def __init__(self, browser: Any) -> None:
        from pipeline.backends.web.engines.webkit import WebKitPage

        self.driver = browser._driver
        self.page = WebKitPage(self.driver)

    def load(self, url: str) -> None:
        self.driver.switch_to.window(self.page._window)
        self.driver.get(url)

    def call(self, body: str, argument: str) -> str:
        script = (
            "const [argument, done] = arguments;"
            f"(async () => {{ {body} }})().then("
            "  (value) => done({ value }), (error) => done({ error: String(error) }));"
        )
        self.driver.switch_to.window(self.page._window)
        answer = self.driver.execute_async_script(script, argument)
        if "error" in answer:
            raise PageFailure(answer["error"])
        text: str = answer["value"]
        return text

    def act(self, actions: Actions) -> None:
        from selenium.webdriver.remote.command import Command

        self.driver.switch_to.window(self.page._window)
        self.driver.execute(Command.W3C_ACTIONS, {"actions": actions})

    def close(self) -> None:
        self.page.close()


_DRIVERS: dict[str, Any] = {"chromium": _Chromium, "firefox": _Firefox, "webkit": _WebKit}
