"""What ``predict``, ``classify`` and ``load`` throw: a class with a code, and what is wrong.

All that does not fit is in ``unit/runtimes/feeds.test.mjs``, all words in ``unit/errors.test.mjs``.
"""

from __future__ import annotations

from typing import Any

import pytest
from client_fixtures import Site
from client_page import ScriptPage
from nightly import nightly
from test_model import where

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

#: Calls that fail, as the page sees them; and whether the model answers after each.
FAIL = """
const { load, LoadError, ModelError } = await import(`${args.client}/index.js`);
const model = await load(args.url, args.options);
const tensor = { dtype: 'float32', shape: [1, 64, 64, 3], data: new Float32Array(64 * 64 * 3) };
const said = {};
for (const text of args.calls) {
  const call = new (async () => {}).constructor('model', 'tensor', text);
  const error = await call(model, tensor).then(() => null, (error) => error);
  const after = await model.predict({ image: tensor });
  const { name, code, message } = error;
  const kinds = [error instanceof ModelError, error instanceof LoadError];
  said[text] = { name, code, message, kinds, after: after.probabilities.shape };
}
await model.dispose();
return said;
"""

TAKES = 'input "image" takes float32 [?, 64, 64, 3], and was given '

CALLS = {
    "return model.predict({ image: { ...tensor, shape: [1, 32, 128, 3] } })": (
        TAKES + "float32 [1, 32, 128, 3]"
    ),
    "return model.predict()": TAKES + "nothing",
    "return model.predict({ image: () => tensor })": "tensors ({dtype, shape, data} by",
    "return model.classify(new Blob(['7']))": "this is no image that can be read",
    "return model.classify('7')": "no image at 7: HTTP 404",
}


@pytest.mark.parametrize("worker", [True, False])
def test_what_does_not_fit_is_named_with_what_would(
    page: ScriptPage, site: Site, worker: bool
) -> None:
    """Across the worker's boundary as on the page; in TF.js and ONNX Runtime alike."""
    backend = {"backend": "tfjs-wasm"} if worker else {"backend": "ort-wasm"}
    options = {**backend, "worker": worker}
    told: dict[str, Any] = page.run(FAIL, **where(site, options=options, calls=[*CALLS]))
    for call, words in CALLS.items():
        said = told[call]
        assert (said["name"], said["code"]) == ("ModelError", "input"), call
        assert words in said["message"], call
        assert said["kinds"] == [True, False]
        assert said["after"] == [1, 10], "the model is as good as before"


LOAD = """
const { load, LoadError, ModelError } = await import(`${args.client}/index.js`);
const error = await load(args.url, args.options).catch((error) => error);
return { name: error.name, code: error.code, message: error.message, status: error.status,
         kinds: [error instanceof ModelError, error instanceof LoadError] };
"""


@pytest.mark.parametrize(
    "path", [nightly("nowhere/latest.json"), "LICENSES.txt", nightly("index.json")]
)
def test_an_url_that_is_no_release_is_a_load_error(page: ScriptPage, site: Site, path: str) -> None:
    said = page.run(LOAD, url=site.cdn.url(path), client=site.client)
    assert said["kinds"] == [True, True] and said["name"] == "LoadError"
    if path == "nowhere/latest.json":
        assert (said["code"], said["status"]) == ("http", 404)
    else:
        assert (
            said["code"] == "format"
            and "is it the URL of a model's latest.json?" in said["message"]
        )
