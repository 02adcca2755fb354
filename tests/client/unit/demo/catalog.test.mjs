/** What the demo reads of a release: where it runs, what it weighs on the way, and code that loads it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backendsOf, ROOT, wanted } from "../../../../pipeline/client/demo/catalog.js";
import { pin, snippet } from "../../../../pipeline/client/demo/snippet.js";
import { wireOf } from "../../../../pipeline/client/demo/wire.js";

const CHANNELS = ["a latest", "b latest", "b beta"].map((name) => {
  const [model, channel] = name.split(" ");
  return { model, channel, url: name };
});

test("the page's address names a channel, else the model's first, else the first of all", () => {
  const asked = (search) => {
    globalThis.location = { search };
    return wanted(CHANNELS).url;
  };
  assert.equal(asked("?model=b&channel=beta"), "b beta");
  assert.equal(asked("?model=b&channel=gone"), "b latest");
  assert.equal(asked("?model=gone&channel=beta"), "a latest");
  assert.equal(asked(""), "a latest");
});

test("backends are offered where an artifact passed and the release has the runtime", () => {
  const proof = (backend, status, engine = "chromium") => ({ backend, status, engine });
  const artifact = {
    format: "onnx",
    validation: [
      proof("ort-webgpu", "pass"),
      proof("ort-wasm", "fail"),
      proof("ort-wasm", "pass", "firefox"),
      proof("tfjs-cpu", "pass"),
      proof("onnxruntime-cpu", "pass", null),
    ],
  };
  const runtimes = { "ort-wasm": {}, "ort-webgpu": {}, "onnxruntime-cpu": {} };
  assert.deepEqual(backendsOf({ runtimes }, artifact), ["ort-wasm", "ort-webgpu"]);
  assert.deepEqual(backendsOf({}, artifact), []);
});

test("files weigh what they do compressed; of an artifact each has its share", () => {
  const manifest = {
    artifacts: [{ bytes: 1000, br_bytes: 500, files: [{ path: "files/a.bin", bytes: 600 }] }],
    runtimes: {
      wasm: {
        files: [
          { path: "runtimes/r.js", bytes: 90, br_bytes: 30 },
          { path: "x", bytes: 5 },
        ],
      },
    },
  };
  assert.deepEqual(
    [...wireOf(manifest)],
    [
      ["a.bin", 300],
      ["r.js", 30],
      ["x", 5],
    ],
  );
});

test("where a host sends its page uncompressed, so it does with all", (t) => {
  const own = { name: new URL("demo/app.js", ROOT).href, transferSize: 9 };
  const sent = { ...own, encodedBodySize: 7, decodedBodySize: 7 };
  t.mock.method(performance, "getEntriesByType", () => [sent]);
  const artifacts = [{ bytes: 10, br_bytes: 5, files: [{ path: "a.bin", bytes: 10 }] }];
  assert.deepEqual([...wireOf({ artifacts })], [["a.bin", 10]]);
  sent.encodedBodySize = 3;
  assert.deepEqual([...wireOf({ artifacts })], [["a.bin", 5]]);
});

test("the code that is shown loads what is shown", async () => {
  const release = {
    client: "https://a.example/client/index.js",
    url: "https://a.example/page.json",
    code: "console.log(model);",
  };
  const integrity = await pin(new TextEncoder().encode("abc").buffer);
  assert.equal(integrity, "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  const whole = snippet({ ...release, integrity, wish: { backend: 'a "b"' } });
  assert.match(whole, /^import \{ load \} from "https:\/\/a\.example\/client\/index\.js";\n/);
  assert.ok(whole.includes(`    integrity: "${integrity}",\n    backend: "a \\"b\\"",\n  },\n);`));
  const plain = snippet({ ...release, wish: {} });
  assert.ok(plain.includes('await load(\n  "https://a.example/page.json",\n);'));
});
