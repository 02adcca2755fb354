/** What the demo says of objects, in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, inShort } from "../../../../pipeline/tasks/object_detection/panel/words.js";

const found = (label, x = 0, score = 0.9) => ({
  label,
  score,
  index: 0,
  box: { x, y: 0, width: 10, height: 10 },
});

test("objects are counted by class, the surest first", () => {
  assert.equal(inShort([]), "nothing found");
  assert.equal(inShort([found("cat"), found("dog"), found("cat", 50)]), "2 × cat, dog");
  assert.equal(inShort(["a", "b", "c", "d", "e"].map((one) => found(one))), "a, b, c, 2 more");
});

test("two find the same where classes and places are", () => {
  const pair = [found("cat"), found("cat", 50)];
  assert.equal(compare([], []), "Neither finds anything.");
  assert.equal(compare(pair, [...pair].reverse()), "Both find the same: 2 × cat.");
  assert.equal(compare(pair, [found("cat", 2)]), "A finds 2 objects, B 1: 1 of them the same.");
  const other = [found("dog"), found("cat", 25)];
  assert.equal(compare(pair, other), "A finds 2 objects, B 2: none of them the same.");
});
