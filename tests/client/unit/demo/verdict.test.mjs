/** What a comparison, an answer and a number come to, in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { verdict as told } from "../../../../pipeline/client/demo/verdict.js";
import {
  bytes,
  counted,
  line,
  median,
  milliseconds,
  percent,
} from "../../../../pipeline/client/demo/words.js";
import {
  compare,
  inWords,
  isSure,
} from "../../../../pipeline/tasks/image_classification/panel/doubt.js";

const verdict = (a, b) => told(a, b, { compare });

const PICTURE = { name: "drawing" };
/** One side of the comparison that says 7, ten times in some 5 ms. */
const side = (more) => ({
  answer: [{ label: "7", score: 0.97 }],
  seen: PICTURE,
  times: Array.from({ length: 10 }, (_, i) => 5 + i / 10),
  wireBytes: 1000,
  ...more,
});
const slower = Array.from({ length: 10 }, (_, i) => 15 + i / 10);
const unsure = [
  { label: "1", score: 0.5 },
  { label: "7", score: 0.3 },
  { label: "9", score: 0.15 },
];

test("two that agree, of which one is faster and the other smaller", () => {
  assert.equal(
    verdict(side(), side({ times: slower, wireBytes: 400 })),
    "Both say 7. A is 2.8 times faster. B is 2.5 times smaller.",
  );
  assert.equal(
    verdict(side({ times: slower }), side()),
    "Both say 7. B is 2.8 times faster. They are equally large.",
  );
});

test("times that overlap, and too few of them, tell nothing", () => {
  for (const [from, step] of [
    [4.8, 0.2],
    [5.4, 0.1],
    [4.6, 0.1],
  ]) {
    const times = Array.from({ length: 10 }, (_, i) => from + i * step);
    const said = verdict(side(), side({ times }));
    assert.match(said, /Their times overlap: neither is clearly faster\./, `from ${from} ms`);
  }
  assert.match(verdict(side(), side({ times: [1, 2] })), /Time them to see which is faster\./);
});

test("two that differ, or are not sure", () => {
  const nine = [{ label: "9", score: 0.95 }];
  assert.match(verdict(side(), side({ answer: nine })), /^They differ: A says 7, B says 9\./);
  assert.match(
    verdict(side(), side({ answer: unsure })),
    /^They differ: A says 7, B is not sure: 1, 7 or 9\./,
  );
  assert.match(
    verdict(side({ answer: unsure }), side({ answer: unsure })),
    /^Neither is sure: 1, 7 or 9\./,
  );
});

test("there is no verdict while one has no answer, or that to another picture", () => {
  assert.equal(verdict(side(), side({ answer: null })), "");
  assert.equal(verdict(side(), side({ seen: { name: "the next" } })), "");
});

test("sizes within a tenth are alike, and of nothing none is smaller", () => {
  assert.match(verdict(side(), side({ wireBytes: 1090 })), /They are equally large\.$/);
  assert.match(verdict(side(), side({ wireBytes: 1110 })), /A is 1\.1 times smaller\.$/);
  assert.match(verdict(side({ wireBytes: 0 }), side({ wireBytes: 0 })), /equally large\.$/);
});

test("an answer is sure from 0.9, unless something speaks against it", () => {
  const sure = [{ label: "7", score: 0.9 }];
  assert.equal(inWords(sure), "7");
  assert.equal(isSure(sure, "unlike digits"), false);
  assert.equal(inWords(sure, "unlike digits"), "Not sure: perhaps 7");
  assert.equal(inWords(unsure), "Not sure: 1, 7 or 9");
  assert.equal(inWords(unsure.with(0, { label: "1", score: 0.89 })), "Not sure: 1 or 7");
  const many = Array.from({ length: 5 }, (_, i) => ({ label: `${i}`, score: 0.2 }));
  assert.equal(inWords(many), "Not sure: 0, 1 or 2");
});

test("numbers have as many figures as mean something", () => {
  assert.deepEqual(
    [bytes(999), bytes(1000), bytes(212_164), bytes(26_800_000)],
    ["999 B", "1 KB", "212 KB", "26.8 MB"],
  );
  assert.deepEqual(
    [milliseconds(4.04), milliseconds(40.4), milliseconds(1234)],
    ["4.0 ms", "40 ms", "1.2 s"],
  );
  // Nothing short of certain is called so.
  assert.deepEqual([0.9999, 1, 0.995, 0.5, 0.05].map(percent), [
    "99.9\u00a0%",
    "100\u00a0%",
    "99.5\u00a0%",
    "50\u00a0%",
    "5.0\u00a0%",
  ]);
  assert.deepEqual(
    [counted(1, "image"), counted(2, "image"), counted(2, "class", "classes")],
    ["1 image", "2 images", "2 classes"],
  );
  assert.deepEqual([median([3, 1, 2]), median([4, 1, 2, 3])], [2, 2.5]);
});

test("an error is one line that ends in what to do", () => {
  const http = Object.assign(new Error("x.bin: HTTP 404"), { code: "http" });
  assert.match(line(http), /^x\.bin: HTTP 404\. Reload; .*publish it again\.$/);
  assert.equal(line(new Error("It failed!\nat somewhere")), "It failed!");
  assert.equal(line("words"), "words.");
  const camera = new DOMException("Permission denied", "NotAllowedError");
  assert.match(line(camera), /^Permission denied\. Allow the camera/);
  assert.match(line({ code: "nothing", message: "a long list" }), /^Nothing of this release/);
});
