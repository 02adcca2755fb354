/** What WebGPU tells of a device becomes a failure, where libraries would answer with zeros. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { watchDevice } from "../../../../pipeline/client/runtimes/webgpu.js";

class GPUValidationError {
  message = "\nError while parsing WGSL: :145:41 error: type mismatch\n  more of it";
}
class GPUOutOfMemoryError {
  message = "Failed to allocate memory for buffer mapping";
}

/** A GPUDevice as the specification has it: a target of events, and a promise of its end. */
function device() {
  const target = new EventTarget();
  let lose;
  const lost = new Promise((resolve) => (lose = resolve));
  const refuse = (/** @type {object} */ error) =>
    target.dispatchEvent(Object.assign(new Event("uncapturederror"), { error }));
  return Object.assign(target, { lost, lose, refuse });
}

test("a device that nothing happened to is right", () => {
  watchDevice(device())();
});

test("what it refuses first is told, as an answer that is wrong", () => {
  const gpu = device();
  const check = watchDevice(gpu);
  gpu.refuse(new GPUValidationError());
  gpu.refuse(new GPUOutOfMemoryError());
  const message =
    "WebGPU refused a part of the work, and left zeros: " +
    "Error while parsing WGSL: :145:41 error: type mismatch";
  assert.throws(check, { name: "RuntimeFailure", code: "canary", message });
});

test("memory that it lacks is told as memory", () => {
  const gpu = device();
  const check = watchDevice(gpu);
  gpu.refuse(new GPUOutOfMemoryError());
  assert.throws(check, { code: "memory", message: /^WebGPU was out of memory: Failed to alloc/ });
});

test("a loss counts for more than what was refused before", async () => {
  const gpu = device();
  const check = watchDevice(gpu);
  gpu.refuse(new GPUValidationError());
  gpu.lose({ reason: "destroyed", message: "" });
  await gpu.lost;
  assert.throws(check, { code: "lost", message: "the WebGPU device was lost: destroyed" });
});
