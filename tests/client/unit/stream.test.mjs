/** Answers of a video's frames: the newest one, never more than one at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { ModelError } from "../../../pipeline/client/errors.js";
import { stream } from "../../../pipeline/client/stream.js";

/** A video whose frames a test shows, as requestVideoFrameCallback tells of them. */
class Video extends EventTarget {
  ended = false;
  readyState = 0;
  videoWidth = 4;
  currentTime = 0;
  presented = 0;
  callbacks = new Map();
  calls = 0;

  requestVideoFrameCallback(callback) {
    this.callbacks.set(++this.calls, callback);
    return this.calls;
  }

  cancelVideoFrameCallback(id) {
    this.callbacks.delete(id);
  }

  show(mediaTime = this.currentTime + 0.04) {
    this.currentTime = mediaTime;
    this.presented++;
    const waiting = [...this.callbacks.values()];
    this.callbacks.clear();
    for (const callback of waiting) callback(0, { mediaTime, presentedFrames: this.presented });
  }

  end() {
    this.ended = true;
    this.dispatchEvent(new Event("ended"));
  }
}

/** @param {(video: any, options: any) => Promise<any>} detect */
const modelOf = (detect) => ({
  info: { methods: ["detect", "other"] },
  detect,
  other: async () => ["other"],
});
const run = (model, video, options = {}) => stream(model, ModelError, video, options);
const times = async () => wait(1);

test("each frame is answered, and the stream ends with the video", async () => {
  const video = new Video();
  const asked = [];
  const model = modelOf(async (given, options) => {
    asked.push([given === video, options.threshold, given.presented]);
    return Object.assign([given.presented], { artifact: "onnx/fp32" });
  });
  const said = [];
  const over = (async () => {
    for await (const one of run(model, video, { threshold: 0.5 })) said.push(one);
  })();
  for (let frame = 0; frame < 3; frame++) {
    await times();
    video.show(frame / 25);
  }
  await times();
  video.end();
  await over;
  assert.deepEqual(
    asked,
    [1, 2, 3].map((number) => [true, 0.5, number]),
  );
  assert.deepEqual(
    said.map(({ timestamp }) => timestamp),
    [0, 40, 80],
  );
  assert.deepEqual(
    said.map(({ dropped }) => dropped),
    [0, 0, 0],
  );
  assert.equal(said[0].result.artifact, "onnx/fp32");
  assert.equal(video.callbacks.size, 0);
});

test("frames that come while one is answered are dropped, and counted; none waits", async () => {
  const video = new Video();
  let running = 0;
  let most = 0;
  const model = modelOf(async () => {
    most = Math.max(most, ++running);
    const { presented } = video;
    for (let i = 0; i < 4; i++) video.show();
    await times();
    running--;
    return [presented];
  });
  const frames = run(model, video);
  const first = frames.next();
  await times();
  video.show();
  assert.deepEqual([(await first).value.result, (await first).value.dropped], [[1], 0]);
  const second = frames.next();
  await times();
  video.show();
  assert.deepEqual([(await second).value.result, (await second).value.dropped], [[6], 4]);
  assert.equal(most, 1);
  await frames.return();
  assert.equal(video.callbacks.size, 0, "who leaves the loop is called back no more");
});

test("what a video that does not play shows is answered at once", async () => {
  const video = Object.assign(new Video(), { readyState: 4, currentTime: 1.5 });
  const frames = run(
    modelOf(async () => ["shown"]),
    video,
  );
  const { value } = await frames.next();
  assert.deepEqual(value, { result: ["shown"], timestamp: 1500, dropped: 0 });
  await frames.return();
});

test("a signal ends it with its reason, while it waits and while the model works", async () => {
  const control = new AbortController();
  const waiting = run(
    modelOf(async () => []),
    new Video(),
    { signal: control.signal },
  );
  const next = waiting.next();
  control.abort(new Error("enough"));
  await assert.rejects(next, /enough/);
  const working = new AbortController();
  const model = modelOf(async (_, { signal }) => {
    working.abort(new Error("stop"));
    signal.throwIfAborted();
  });
  const video = Object.assign(new Video(), { readyState: 4 });
  await assert.rejects(run(model, video, { signal: working.signal }).next(), /stop/);
  assert.equal(video.callbacks.size, 0);
});

test("another method is asked by its name, and one that is not there is told", async () => {
  const video = Object.assign(new Video(), { readyState: 4 });
  const { value } = await run(
    modelOf(async () => []),
    video,
    { method: "other" },
  ).next();
  assert.deepEqual(value.result, ["other"]);
  const wrong = run(
    modelOf(async () => []),
    video,
    { method: "pose" },
  ).next();
  await assert.rejects(wrong, { code: "input", message: /no method pose; there is detect, other/ });
  const tensors = run({ info: { methods: [] } }, video).next();
  await assert.rejects(tensors, { code: "input", message: /none: it takes tensors/ });
  await assert.rejects(
    run(
      modelOf(async () => []),
      {},
    ).next(),
    { code: "input", message: /MediaStream/ },
  );
});

test("where a browser does not count frames, those of the page are taken", async (t) => {
  const video = new Video();
  video.requestVideoFrameCallback = undefined;
  const painted = [];
  t.after(() => delete globalThis.requestAnimationFrame);
  globalThis.requestAnimationFrame = (callback) => painted.push(callback);
  globalThis.cancelAnimationFrame = () => {};
  t.after(() => delete globalThis.cancelAnimationFrame);
  const paint = async (time) => {
    video.currentTime = time;
    await times();
    painted.splice(0).forEach((callback) => callback());
  };
  const frames = run(
    modelOf(async () => [video.currentTime]),
    video,
  );
  const first = frames.next();
  await paint(1);
  assert.deepEqual((await first).value.result, [1]);
  const second = frames.next();
  await paint(2);
  assert.deepEqual((await second).value, { result: [2], timestamp: 2000, dropped: 0 });
  await frames.return();
});

test("with track and smooth what lies at places has an id and moves calmly; classes stay", async () => {
  const video = new Video();
  const places = [10, 12, 10, 12, 10, 12];
  const model = modelOf(async () => [
    {
      label: "cup",
      score: 0.9,
      box: { x: places[video.presented - 1], y: 5, width: 50, height: 50 },
    },
  ]);
  const seen = [];
  const frames = run(model, video, { track: true, smooth: { cutoff: 1 } });
  for (const _ of places) {
    const next = frames.next();
    await times();
    video.show();
    seen.push((await next).value.result[0]);
  }
  assert.deepEqual(new Set(seen.map(({ id }) => id)), new Set([1]));
  const steps = seen.slice(1).map(({ box }, index) => Math.abs(box.x - seen[index].box.x));
  assert.ok(Math.max(...steps) < 1, `${steps} of 2`);
  assert.deepEqual([seen[0].score, seen[0].box.y], [0.9, 5]);
  await frames.return();
  const still = Object.assign(new Video(), { readyState: 4 });
  const classes = modelOf(async () => [{ label: "cat", score: 1 }]);
  const { value } = await run(classes, still, { smooth: true }).next();
  assert.deepEqual(value.result, [{ label: "cat", score: 1 }]);
});

test("what says where it will be is looked for there, and nothing is kept of what is lost", async () => {
  const video = new Video();
  const answers = [[{ region: 1 }, { region: 2 }], [], [{ score: 1 }], []];
  const asked = [];
  const model = modelOf(async (_video, { regions }) => {
    asked.push(regions);
    return answers[asked.length - 1];
  });
  const over = (async () => {
    for await (const _ of run(model, video, { track: false }));
  })();
  for (const _ of answers) {
    await times();
    video.show();
  }
  await times();
  video.end();
  await over;
  assert.deepEqual(asked, [[], [1, 2], [], []]);
});
