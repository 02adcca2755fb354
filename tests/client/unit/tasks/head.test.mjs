/** The head that a visitor trains: it learns, keeps some examples back, and travels as a file. */
import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";

register("../packages.mjs", import.meta.url);
const tf = await import("@tensorflow/tfjs-core");
await import("@tensorflow/tfjs-backend-cpu");
const { fit, guess, pack, unpack } = await import(
  "../../../../pipeline/tasks/image_classification/panel/teach/head.js"
);
const { unzip, zip } = await import(
  "../../../../pipeline/tasks/image_classification/panel/teach/zip.js"
);

const SETTINGS = { epochs: 12, units: 0, rate: 0.1 };
const BASE = { name: "mobilenet", sha256: "ab", layer: "conv", size: 4 };
const ABOUT = { labels: ["cat", "dog"], base: BASE };

/** Embeddings of two classes that a line parts, with a little of the other in each. */
const examples = (each) =>
  Array.from({ length: 2 * each }, (_, i) => {
    const label = i % 2;
    const embedding = Float32Array.from([label, 1 - label, (i % 7) / 7, (i % 5) / 5]);
    return { embedding, label };
  });

const trained = (each, settings = SETTINGS, { stop = () => false } = {}) => {
  const epochs = [];
  const task = {
    examples: examples(each),
    classes: 2,
    settings,
    tell: (e) => epochs.push(e),
    stop,
  };
  return fit(task).then(({ model, result }) => ({ model, result, epochs }));
};

test("it learns what parts the classes, and is tried on every fifth example", async () => {
  const { model, result, epochs } = await trained(10, { epochs: 40, units: 0, rate: 0.3 });
  assert.deepEqual([result.learnt, result.held, result.epochs], [16, 4, 40]);
  assert.deepEqual([result.accuracy, result.heldAccuracy, result.cancelled], [1, 1, false]);
  assert.deepEqual(
    epochs.map(({ epoch }) => epoch),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
  assert.ok(epochs.at(-1).loss < epochs[0].loss);
  const [cat, dog] = guess(model, Float32Array.from([0, 1, 0.5, 0.5]));
  assert.ok(cat > 0.8 && Math.abs(cat + dog - 1) < 1e-6);
  model.dispose();
});

test("of fewer than five of a class none is kept back", async () => {
  const { model, result } = await trained(4, { ...SETTINGS, units: 3, epochs: 1 });
  assert.deepEqual([result.learnt, result.held, result.heldFrom], [8, 0, 5]);
  assert.equal(result.heldAccuracy, undefined);
  model.dispose();
});

test("it stops where it is told to, with what it has learnt", async () => {
  let heard = 0;
  const { model, result, epochs } = await trained(5, SETTINGS, { stop: () => ++heard >= 3 });
  assert.deepEqual([result.epochs, epochs.length, result.cancelled], [3, 3, true]);
  model.dispose();
});

test("training and asking leave no tensor behind", async () => {
  const before = tf.memory().numTensors;
  const { model } = await trained(5, { ...SETTINGS, units: 3, epochs: 2 });
  guess(model, new Float32Array(4));
  model.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test("a packed head answers as the trained one, from the zip and from its files", async () => {
  const { model } = await trained(5, { ...SETTINGS, units: 3 });
  const packed = await pack(model, ABOUT);
  const files = await unzip(packed);
  assert.deepEqual(Object.keys(files), ["model.json", "weights.bin", "labels.json"]);
  const one = Float32Array.from([0.3, 0.6, 0.1, 0.9]);
  const named = Object.entries(files).map(([name, content]) => ({ name, content }));
  for (const chosen of [[{ name: "head.zip", content: packed }], named]) {
    const { model: again, about } = await unpack(chosen, BASE);
    assert.deepEqual(about, ABOUT);
    assert.deepEqual(guess(again, one), guess(model, one));
    again.dispose();
  }
  model.dispose();
});

/** A packed head whose model.json is another one. */
const changed = async (change) => {
  const { model } = await trained(2, { ...SETTINGS, epochs: 1 });
  const files = await unzip(await pack(model, ABOUT));
  model.dispose();
  const json = change(new TextDecoder().decode(files["model.json"]));
  return zip({ ...files, "model.json": new TextEncoder().encode(json) });
};

const WRONG = {
  "more names than classes": [
    (json) => json.replace('"labels":["cat"', '"labels":["cow","cat"'),
    "This head tells 2 classes apart and names 3.",
  ],
  "other layers": [
    (json) => json.replace('"sha256":"ab"', '"sha256":"cd"'),
    "This head was trained on other layers than mobilenet has now. Train it again.",
  ],
  "no names": [
    (json) => json.replace('"labels":', '"titles":'),
    "model.json names no classes: it was not exported by this page.",
  ],
  "no JSON": [() => "{", "model.json is not JSON, or it is damaged. Export the head again."],
};

for (const [name, [change, message]] of Object.entries(WRONG)) {
  test(`a head with ${name} is refused`, async () => {
    const content = await changed(change);
    const before = tf.memory().numTensors;
    await assert.rejects(unpack([{ name: "a.zip", content }], BASE), { message });
    assert.equal(tf.memory().numTensors, before);
  });
}

test("what is no head is refused with what to pick", async () => {
  await assert.rejects(unpack([{ name: "a.zip", content: new Uint8Array(40) }], BASE), {
    message: "This file is no zip, or it is damaged. Export the head again.",
  });
  await assert.rejects(unpack([{ name: "cat.png", content: new Uint8Array(4) }], BASE), {
    message: /^A head is a zip that was exported here, or its model.json and weights.bin/,
  });
});
