"""A page of another origin loads a model by its URL and asks it, in every engine."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from client_fixtures import Open, Site
from client_page import ScriptError, ScriptPage
from client_release import Release
from client_site import delay
from nightly import IN_EVERY_ENGINE, nightly
from PIL import Image

from pipeline.bundled.digits import digits

pytestmark = pytest.mark.browser

#: ``model``, loaded, and ``image(i)``, the file of a digit.
LOADED = """
const { load, LoadError } = await import(`${args.client}/index.js`);
const model = await load(args.url, args.options ?? {});
const image = (text) => new Blob([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))]);
"""

CLASSIFY = f"""{LOADED}
const found = await Promise.all(args.images.map((one) => model.classify(image(one), {{ top: 3 }})));
const {{ info }} = model;
await model.dispose();
return {{ info, found, artifacts: found.map((one) => one.artifact) }};
"""


def pngs(count: int) -> list[str]:
    """Test digits as files, in base64."""
    texts = []
    for picture in digits("test")[0][:count]:
        stream = BytesIO()
        Image.fromarray(picture).save(stream, "PNG")
        texts.append(base64.b64encode(stream.getvalue()).decode())
    return texts


def where(site: Site, **more: Any) -> dict[str, Any]:
    """What scripts need to know."""
    return {"client": site.client, "url": site.latest, "images": pngs(8), **more}


def proof(release: Release, artifact: str, backend: str) -> dict[str, Any]:
    """An artifact's proof on a backend, in whatever engine."""
    proofs: list[dict[str, Any]] = release.artifact(artifact)["validation"]
    return next(one for one in proofs if one["backend"] == backend)


def test_it_is_as_right_as_the_manifest_says(
    page: ScriptPage, site: Site, published: Release
) -> None:
    said = page.run(CLASSIFY, **where(site, images=pngs(360)))
    labels = [str(label) for label in digits("test")[1]]
    right = [found[0]["label"] for found in said["found"]]
    share = sum(a == b for a, b in zip(labels, right, strict=True)) / len(labels)
    info = said["info"]
    accuracy = proof(published, info["artifact"], info["backend"])["accuracy"]
    # One answer may hang on the last bit.
    assert share == pytest.approx(accuracy["value"], abs=1.01 / accuracy["samples"])
    assert set(said["artifacts"]) == {info["artifact"]}
    assert all(len(one) == 3 and one[0]["score"] >= one[1]["score"] for one in said["found"])


@IN_EVERY_ENGINE
def test_it_says_what_it_chose_and_why(page: ScriptPage, site: Site, published: Release) -> None:
    info = page.run(CLASSIFY, **where(site))["info"]
    assert info["name"] == "mobilenet" and info["release"] == published.manifest["release"]
    # The smallest that is measured; there is no GPU here, and no other runtime is as small.
    assert (info["artifact"], info["backend"]) == ("tfjs-graph/uint8", "tfjs-wasm")
    assert info["thread"] == "worker" and info["tried"] == [] and info["offline"] is False
    assert info["hardware"]["backend"] == "wasm" and info["hardware"]["simd"] is True
    assert "tfjs-graph/uint8 on tfjs-wasm" in info["why"][0] and "canary answered" in info["why"][0]
    assert info["bytes"]["fetched"] == info["bytes"]["total"] > 500_000
    assert info["loadMs"] > 0 and info["cascade"] is None


def lacking(page: ScriptPage, backend: str) -> str | None:
    """Where a page lacks what a backend needs: ``anywhere``, or only in ``workers``."""
    if "webgpu" in backend and not page.run(
        "return Boolean(await navigator.gpu?.requestAdapter())"
    ):
        return "anywhere"
    return "workers" if "webgl" in backend and page.engine == "webkit" else None


#: Chromium has all, WebKit one that it lacks. Those of GPUs take long to start without one:
#: test_runtimes.py does so.
FORCED = [("chromium", "ort-wasm"), ("webkit", "ort-webgpu")]
FORCED_NIGHTLY = [
    ("chromium", "tfjs-webgl"),
    ("chromium", "tfjs-webgpu"),
    ("chromium", "ort-webgpu"),
    ("webkit", "tfjs-webgl"),
    *(("firefox", name) for name in ("tfjs-webgl", "tfjs-webgpu", "ort-wasm", "ort-webgpu")),
    ("webkit", "tfjs-webgpu"),
    ("webkit", "ort-wasm"),
]


@pytest.mark.parametrize(
    ("engine", "backend"),
    [*FORCED, *(nightly(*one) for one in FORCED_NIGHTLY)],
    indirect=["engine"],
)
def test_a_backend_can_be_forced(
    page: ScriptPage, site: Site, everywhere: Release, backend: str
) -> None:
    site.publish(everywhere)
    artifact = "onnx/fp32" if backend.startswith("ort") else "tfjs-graph/fp32"
    usual = {"artifact": "tfjs-graph/fp32", "backend": "tfjs-wasm"}
    wanted = page.run(CLASSIFY, **where(site, options=usual))
    forced = {"artifact": artifact, "backend": backend}
    if lacks := lacking(page, backend):
        with pytest.raises(ScriptError, match="not offered by this browser to workers") as told:
            page.run(CLASSIFY, **where(site, options=forced))
        assert told.value.code == "nothing"
        if lacks == "anywhere":
            return
    said = page.run(CLASSIFY, **where(site, options={**forced, "worker": not lacks}))
    assert (said["info"]["artifact"], said["info"]["backend"]) == (artifact, backend)
    for found, right in zip(said["found"], wanted["found"], strict=True):
        assert [one["index"] for one in found] == [one["index"] for one in right]
        assert found[0]["score"] == pytest.approx(right[0]["score"], abs=1e-3)


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
@pytest.mark.parametrize(
    ("wish", "lacks"),
    [
        ({"artifact": "tfjs-graph/fp64"}, "has not tfjs-graph/fp64 on any backend"),
        ({"backend": "webgl"}, "has not any artifact on webgl"),
    ],
)
def test_what_is_forced_and_not_there_is_an_error(
    page: ScriptPage, site: Site, wish: dict[str, str], lacks: str
) -> None:
    """It lists what is there instead."""
    with pytest.raises(ScriptError) as told:
        page.run(LOADED, **where(site, options=wish))
    assert told.value.name == "ModelError" and told.value.code == "input"
    assert lacks in told.value.message
    for there in ("tfjs-graph/uint8 on tfjs-wasm", "onnx/fp32 on ort-wasm"):
        assert there in told.value.message


KINDS = f"""{LOADED}
const file = image(args.images[0]);
const element = Object.assign(new Image(), {{ src: URL.createObjectURL(file) }});
await element.decode();
const {{ naturalWidth: width, naturalHeight: height }} = element;
const canvas = Object.assign(document.createElement('canvas'), {{ width, height }});
const context = canvas.getContext('2d');
context.drawImage(element, 0, 0);
const off = new OffscreenCanvas(width, height);
off.getContext('2d').drawImage(element, 0, 0);
const bitmap = await createImageBitmap(file);
const data = context.getImageData(0, 0, width, height);
const late = Object.assign(new Image(), {{ src: element.src }});  // not decoded yet
const kinds = {{ file, element, late, canvas, off, bitmap, data }};
const found = {{}};
for (const [name, one] of Object.entries(kinds)) found[name] = (await model.classify(one))[0];
found.again = (await model.classify(bitmap))[0];
found.same = data.data.length;
return found;
"""


@IN_EVERY_ENGINE
def test_all_kinds_of_images_are_read_and_stay_whole(page: ScriptPage, site: Site) -> None:
    found = page.run(KINDS, **where(site))
    assert found.pop("same") == 8 * 8 * 4
    assert len(found) == 8
    assert len({(one["label"], one["score"]) for one in found.values()}) == 1


NO_IMAGES = f"""{LOADED}
const wrong = ['digit', null, new Blob(['GIF89']), document.createElement('p')];
const said = ({{ code, message }}) => [code, message];
const told = wrong.map((one) => model.classify(one).catch(said));
return Promise.all(told);
"""


def test_what_is_no_image_is_said_to_be_none(page: ScriptPage, site: Site) -> None:
    told = page.run(NO_IMAGES, **where(site))
    assert len(told) == 4
    assert all(code == "input" and "image" in message for code, message in told)


PREDICT = f"""{LOADED}
const data = new Float32Array(2 * 64 * 64 * 3).fill(0.5);
const both = await model.predict({{ image: {{ dtype: 'float32', shape: [2, 64, 64, 3], data }} }});
const {{ dtype, shape, data: values }} = both.probabilities;
return {{ dtype, shape, values: [...values], kept: data.length }};
"""


def test_tensors_go_in_and_come_out(page: ScriptPage, site: Site) -> None:
    said = page.run(PREDICT, **where(site))
    assert said["dtype"] == "float32" and said["shape"] == [2, 10]
    assert sum(said["values"]) == pytest.approx(2, abs=1e-4)
    assert said["values"][:10] == pytest.approx(said["values"][10:], abs=1e-6)
    assert said["kept"] == 2 * 64 * 64 * 3, "what is given stays the caller's"


ORDER = f"""{LOADED}
const order = [];
const large = new OffscreenCanvas(3000, 2000);
large.getContext('2d').fillRect(0, 0, 3000, 2000);
const slow = await large.convertToBlob();
const calls = [slow, ...args.images.map(image)].map(async (one, i) => {{
  await model.classify(one);
  order.push(i);
}});
await Promise.all(calls);
return order;
"""


def test_calls_are_answered_in_their_order(page: ScriptPage, site: Site) -> None:
    assert page.run(ORDER, **where(site)) == [*range(9)]


LEAK = f"""{LOADED}
const files = args.images.map(image);
const many = async (count) => {{
  for (let i = 0; i < count; i++) await model.classify(files[i % files.length]);
}};
await many(8);
const before = await model.memory();
await many(100);
return [before, await model.memory()];
"""


def test_a_hundred_classifications_leak_no_tensor(page: ScriptPage, site: Site) -> None:
    before, after = page.run(LEAK, **where(site))
    assert before == after
    assert before["tensors"] > 0 and before["bytes"] > 100_000


DISPOSE = f"""{LOADED}
const pending = model.classify(image(args.images[0])).catch((error) => error.code);
await model.dispose();
await model.dispose();
const after = await model.classify(image(args.images[0])).catch((error) => error.message);
return [await pending, after];
"""


@pytest.mark.parametrize("worker", [True, False])
def test_a_model_that_is_disposed_of_says_so(page: ScriptPage, site: Site, worker: bool) -> None:
    pending, after = page.run(DISPOSE, **where(site, options={"worker": worker}))
    assert pending == "disposed"
    assert after == "disposed of: load it again"


ABORT = """
const { load } = await import(`${args.client}/index.js`);
const name = (error) => `${error.name}${error.message === 'enough' ? ' enough' : ''}`;
const control = new AbortController();
const loading = load(args.url, { signal: control.signal }).catch(name);
setTimeout(() => control.abort(), args.ms);
const start = performance.now();
const during = await loading;
const before = await load(args.url, { signal: AbortSignal.abort(new Error('enough')) }).catch(name);
return { during, before, ms: performance.now() - start };
"""


def test_loading_can_be_aborted(page: ScriptPage, site: Site) -> None:
    site.cdn.fail("*.bin", delay(120))
    said = page.run(ABORT, **where(site, ms=700))
    assert said["during"] == "AbortError" and said["before"] == "Error enough"
    assert said["ms"] < 60_000
    site.cdn.heal()
    assert page.run(CLASSIFY, **where(site))["found"]


ABORT_CALLS = f"""{LOADED}
const control = new AbortController();
const {{ signal }} = control;
const files = args.images.map(image);
const name = (error) => error.name;
const asked = files.map((one, i) => model.classify(one, i % 2 ? {{ signal }} : {{}}));
const calls = asked.map((one) => one.then((all) => all.length, name));
control.abort();
const after = await model.classify(files[0], {{ signal }}).catch(name);
const predicted = await model.predict({{}}, {{ signal }}).catch(name);
return [await Promise.all(calls), after, predicted, (await model.classify(files[0])).length];
"""


def test_calls_can_be_aborted(page: ScriptPage, site: Site) -> None:
    calls, after, predicted, last = page.run(ABORT_CALLS, **where(site))
    assert calls == [5, "AbortError"] * 4
    assert after == predicted == "AbortError" and last == 5


@pytest.mark.parametrize("backend", ["tfjs-wasm", nightly("ort-wasm")])
def test_an_isolated_page_gets_the_threads_it_asks_for(
    open_page: Open, site: Site, backend: str
) -> None:
    """On two cores too, where TF.js by itself would start one."""
    page = open_page("/isolated")
    if not page.run("return crossOriginIsolated"):
        pytest.skip(f"{page.engine} gives no isolation here")
    if (page.engine, backend) == ("firefox", "tfjs-wasm"):
        pytest.skip("seen to hang there on a busy machine; test_runtimes.py tries it")
    options = {"threads": 2, "backend": backend}
    said = page.run(CLASSIFY, **where(site, options=options))
    assert said["info"]["thread"] == "worker" and said["info"]["hardware"]["threads"] == 2
    assert said["found"][0][0]["label"] == str(digits("test")[1][0])


def test_a_page_reload_fetches_nothing(page: ScriptPage, site: Site) -> None:
    first = page.run(CLASSIFY, **where(site))["info"]["bytes"]
    page.reload()
    second = page.run(CLASSIFY, **where(site))["info"]["bytes"]
    assert second == {"fetched": 0, "cached": first["total"], "total": first["total"]}


def test_the_publishers_folder_is_all_that_is_needed(page: ScriptPage, site: Site) -> None:
    page.run(CLASSIFY, **where(site))
    assert {request.status for request in site.cdn.seen()} == {200}
    hosts = page.run(
        "return performance.getEntriesByType('resource').map(({ name }) => new URL(name).host)"
    )
    assert set(hosts) <= {Path(site.cdn.address).name, Path(site.page.address).name}


FOREIGN = f"""{LOADED}
const element = Object.assign(new Image(), {{ src: args.foreign }});
await element.decode();
return model.classify(element);
"""


def test_an_image_of_another_origin_is_said_to_be_one(page: ScriptPage, site: Site) -> None:
    foreign = site.cdn.put("digit.png", base64.b64decode(pngs(1)[0]))
    with pytest.raises(ScriptError, match="another origin: it needs crossorigin") as told:
        page.run(FOREIGN, **where(site, foreign=foreign))
    assert told.value.code == "input"


SIGNAL = f"""{LOADED}
const control = new AbortController();
let listeners = 0;
const {{ addEventListener, removeEventListener }} = control.signal;
control.signal.addEventListener = (...all) => {{
  listeners++;
  addEventListener.apply(control.signal, all);
}};
control.signal.removeEventListener = (...all) => {{
  listeners--;
  removeEventListener.apply(control.signal, all);
}};
for (const one of args.images) await model.classify(image(one), {{ signal: control.signal }});
return listeners;
"""


def test_a_signal_outlives_calls_without_keeping_them(page: ScriptPage, site: Site) -> None:
    assert page.run(SIGNAL, **where(site)) == 0


BROKEN_BETWEEN = f"""{LOADED}
const pixels = new ImageData(64, 64);
const slow = new OffscreenCanvas(64, 64);
slow.getContext('2d');
slow.decode = () => new Promise((resolve) => setTimeout(resolve, 500));
const told = [];
const tell = (name, call) =>
  call.then(() => told.push(name), (error) => told.push(`${{name}}: ${{error?.code}}`));
await Promise.all([
  tell('slow', model.classify(slow)),
  tell('broken', model.classify(new OffscreenCanvas(0, 0))),
  tell('next', model.classify(pixels)),
]);
return told;
"""


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_calls_keep_their_order_also_after_an_image_that_cannot_be_read(
    page: ScriptPage, site: Site
) -> None:
    told = page.run(BROKEN_BETWEEN, **where(site))
    assert told.index("slow") < told.index("next") and "broken: input" in told


ABORT_BY_NULL = f"""{LOADED}
const signal = AbortSignal.abort(null);
const told = (promise) => promise.then(() => 'done', (reason) => reason);
return [await told(model.classify(image(args.images[0]), {{ signal }})),
        await told(load(args.url, {{ signal }}))];
"""


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_what_is_aborted_rejects_with_the_reason_also_where_that_is_null(
    page: ScriptPage, site: Site
) -> None:
    assert page.run(ABORT_BY_NULL, **where(site)) == [None, None]
