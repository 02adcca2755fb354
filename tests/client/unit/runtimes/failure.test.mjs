/** What libraries throw becomes a code that a caller can act on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  explained,
  explaining,
  RuntimeFailure,
} from "../../../../pipeline/client/runtimes/failure.js";

/** As the libraries word them. */
const CODES = {
  "WebGL context was lost": "lost",
  "Failed to link: CONTEXT_LOST_WEBGL": "lost",
  "GPUDevice: device is lost": "lost",
  DXGI_ERROR_DEVICE_HUNG: "lost",
  "RangeError: WebAssembly.Memory(): could not allocate memory": "memory",
  "Aborted(Cannot enlarge memory arrays)": "memory",
  "std::bad_alloc": "memory",
  "Out of memory": "memory",
  "GL_OUT_OF_MEMORY: out-of-memory": "memory",
  "Error in compute shader": undefined,
  "zoom level": undefined,
};

for (const [message, code] of Object.entries(CODES)) {
  test(`${message}: ${code}`, () => {
    assert.equal(explained(new Error(message)).code, code);
  });
}

test("whatever is thrown leaves as an error, and its own failures as they are", async () => {
  const own = new RuntimeFailure("format", "a shard is cut");
  assert.equal(explained(own), own);
  assert.equal(explained("words").message, "words");
  // Emscripten throws numbers.
  assert.equal(explained(12345).message, "12345");
  const work = async () => {
    throw "the device was lost";
  };
  await assert.rejects(explaining(work), { name: "RuntimeFailure", code: "lost" });
  assert.equal(await explaining(async () => 7), 7);
});
