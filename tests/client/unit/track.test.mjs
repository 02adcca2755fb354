/** Things keep their ids from frame to frame, and stop trembling. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { smoothed } from "../../../pipeline/client/smooth.js";
import { boxOf, tracked } from "../../../pipeline/client/track.js";

const thing = (x, label = "a", size = 10) => ({
  label,
  box: { x, y: 0, width: size, height: size },
});
const ids = (answers) => answers.map(({ id }) => id);

test("a thing that moves keeps its id, whatever the order of the answers", () => {
  const track = tracked(true);
  assert.deepEqual(ids(track([thing(0), thing(100)])), [1, 2]);
  assert.deepEqual(ids(track([thing(103), thing(3)])), [2, 1]);
  assert.deepEqual(ids(track([thing(6), thing(200), thing(106)])), [1, 3, 2]);
});

test("of two that overlap with one, it is the one that overlaps more", () => {
  const track = tracked({ overlap: 0.1 });
  track([thing(0), thing(8)]);
  assert.deepEqual(ids(track([thing(5), thing(9)])), [1, 2]);
  const single = tracked({ overlap: 0.1 });
  single([thing(0)]);
  assert.deepEqual(ids(single([thing(4), thing(1)])), [2, 1]);
});

test("another label, or too little overlap, is another thing", () => {
  const track = tracked({ overlap: 0.5 });
  assert.deepEqual(ids(track([thing(0)])), [1]);
  assert.deepEqual(ids(track([thing(0, "b")])), [2]);
  assert.deepEqual(ids(track([thing(4, "b")])), [3], "six of fourteen parts");
  assert.deepEqual(ids(track([thing(7, "b")])), [3], "seven of thirteen");
});

test("what is not seen for a while keeps its place, and then is forgotten", () => {
  const track = tracked({ patience: 2 });
  track([thing(0)]);
  track([]);
  track([]);
  assert.deepEqual(ids(track([thing(1)])), [1]);
  for (let frame = 0; frame < 3; frame++) track([]);
  assert.deepEqual(ids(track([thing(1)])), [2]);
});

test("the box of points is around those that there are", () => {
  const keypoints = [{ x: -3, y: 4 }, null, { x: 5, y: -6 }];
  assert.deepEqual(boxOf({ keypoints }), { x: -3, y: -6, width: 8, height: 10 });
  assert.equal(boxOf({ keypoints: [null] }), undefined);
  assert.equal(boxOf({}), undefined);
  const track = tracked(true);
  assert.deepEqual(ids(track([{ keypoints }])), [1]);
  assert.deepEqual(
    ids(
      track([
        {
          keypoints: [
            { x: -2, y: 4 },
            { x: 5, y: -6 },
          ],
        },
      ]),
    ),
    [1],
  );
});

/** As its authors define it, in their words, for numbers as they are. */
function oneEuro(values, seconds, { cutoff, beta, speedCutoff }, size) {
  const alpha = (fc) => {
    const tau = 1 / (2 * Math.PI * fc);
    return 1 / (1 + tau / seconds);
  };
  let [hat, dhat] = [values[0], 0];
  return values.map((x, index) => {
    if (!index) return x;
    const dx = (x - hat) / seconds / size;
    dhat = alpha(speedCutoff) * dx + (1 - alpha(speedCutoff)) * dhat;
    const a = alpha(cutoff + beta * Math.abs(dhat));
    hat = a * x + (1 - a) * hat;
    return hat;
  });
}

test("numbers are those of the One Euro filter", () => {
  const values = [10, 12, 9, 30, 80, 81, 79, 80];
  const options = { cutoff: 0.7, beta: 3, speedCutoff: 1 };
  const calm = smoothed(options);
  const boxes = values.map((x, index) => calm([{ id: 1, ...thing(x) }], 40 * index)[0].box.x);
  const wanted = oneEuro(values, 0.04, options, 10);
  boxes.forEach((x, index) => assert.ok(Math.abs(x - wanted[index]) < 1e-9));
});

test("points are smoothed one by one; scores, names and what is missing stay", () => {
  const calm = smoothed(true);
  const pose = (x) => ({
    id: 1,
    keypoints: [{ x, y: 0, z: 1, score: 0.5, name: "nose" }, null, { x: 50, y: 50 }],
  });
  calm([pose(0)], 0);
  const [{ keypoints }] = calm([pose(10)], 40);
  assert.ok(keypoints[0].x > 0 && keypoints[0].x < 10);
  assert.deepEqual([keypoints[0].score, keypoints[0].name, keypoints[1]], [0.5, "nose", null]);
  assert.deepEqual(keypoints[2], { x: 50, y: 50 });
});

test("what stands still is calmer than what moves is late", () => {
  const still = smoothed(true);
  let last = 0;
  for (let frame = 0; frame < 60; frame++)
    last = still([{ id: 1, ...thing(100 + (frame % 2), "a", 100) }], 40 * frame)[0].box.x;
  assert.ok(Math.abs(last - 100.5) < 0.25, `trembles by ${last - 100.5}, of 0.5`);
  const quick = smoothed(true);
  for (let frame = 0; frame < 30; frame++)
    last = quick([{ id: 1, ...thing(40 * frame, "a", 100) }], 40 * frame)[0].box.x;
  assert.ok(40 * 29 - last < 40, `${40 * 29 - last} pixels behind, of 40 a frame`);
});

test("each id has its own past, and a video that was sought begins anew", () => {
  const calm = smoothed(true);
  calm([{ id: 1, ...thing(0) }], 0);
  assert.equal(calm([{ id: 2, ...thing(90) }], 40)[0].box.x, 90);
  assert.equal(calm([{ id: 2, ...thing(10) }], 20)[0].box.x, 10, "earlier than before");
});
