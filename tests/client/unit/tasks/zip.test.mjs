/** Zip files of the demo: as it writes them, as others do, and damaged ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, deflateRawSync } from "node:zlib";
import { unzip, zip } from "../../../../pipeline/tasks/image_classification/panel/teach/zip.js";

/** @param {string} letters */
const text = (letters) => new TextEncoder().encode(letters);
const FILES = {
  "model.json": text("{}"),
  "weights.bin": new Uint8Array([1, 2, 3]),
  "größe.json": text("é"),
  empty: new Uint8Array(),
};

test("what is packed comes out again, and the same files make the same bytes", async () => {
  assert.deepEqual(await unzip(zip(FILES)), FILES);
  assert.deepEqual(zip(FILES), zip(FILES));
  assert.deepEqual(await unzip(zip({})), {});
});

test("the checksum is that of zip files", () => {
  const view = new DataView(zip({ a: text("The quick brown fox") }).buffer);
  assert.equal(view.getUint32(14, true), crc32("The quick brown fox"));
});

test("a part of a larger buffer is read as such", async () => {
  const packed = zip(FILES);
  const larger = new Uint8Array(packed.length + 20);
  larger.set(packed, 10);
  assert.deepEqual(await unzip(larger.subarray(10, 10 + packed.length)), FILES);
});

/** One file as other programs write it: compressed, in a folder, with a comment behind. */
const deflated = (path, content) => {
  const packed = deflateRawSync(content);
  const stored = zip({ [path]: content });
  const view = new DataView(stored.buffer);
  const crc = view.getUint32(14, true);
  // Where the content lies: behind the local header and the name.
  const start = 30 + text(path).length;
  const central = stored.slice(start + content.length);
  const patch = (bytes, at) => {
    const field = new DataView(bytes.buffer, bytes.byteOffset);
    field.setUint16(at, 8, true);
    field.setUint32(at + 6, crc, true);
    field.setUint32(at + 10, packed.length, true);
    field.setUint32(at + 14, content.length, true);
    return bytes;
  };
  const head = patch(stored.slice(0, start), 8);
  patch(central, 10);
  new DataView(central.buffer).setUint32(central.length - 6, start + packed.length, true);
  const all = [...head, ...packed, ...central, ...text("a comment")];
  return Uint8Array.from(all);
};

test("a compressed file in a folder is read by the last part of its name", async () => {
  const content = text("again and again and again and again");
  assert.deepEqual(await unzip(deflated("head/labels.json", content)), { "labels.json": content });
});

test("damage is found wherever it is", async () => {
  const packed = zip(FILES);
  const name = text("model.json").length;
  const content = 30 + name;
  await assert.rejects(unzip(packed.with(content, 0)), /model.json is damaged/);
  await assert.rejects(unzip(packed.subarray(0, packed.length - 5)), /no end of a zip's directory/);
  await assert.rejects(unzip(text("no zip at all, but longer than its end")), RangeError);
  const end = new DataView(packed.buffer, packed.length - 22);
  const directory = end.getUint32(16, true);
  await assert.rejects(unzip(packed.with(directory, 0)), /a damaged directory of a zip/);
});
