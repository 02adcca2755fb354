/** Where a model looks: as Python has it, and when the detector is asked. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chained, chooseRegions, look, regionOf } from "../../../pipeline/client/chain.js";

const FILE = new URL("../../../pipeline/inputs/image/cases.json", import.meta.url);
const CASES = JSON.parse(readFileSync(FILE, "utf8")).around;
const square = (x, y, width, angle = 0) => ({ x, y, width, height: width, angle });

for (const { answer, how, square: wanted } of CASES) {
  test(`a square by ${JSON.stringify(how)} ${answer.box ? "around a box" : ""}`, () => {
    const region = regionOf(answer, how);
    assert.deepEqual(Object.keys(region).sort(), Object.keys(wanted).sort());
    for (const [name, value] of Object.entries(wanted))
      assert.ok(Math.abs(region[name] - value) < 1e-9, `${name}: ${region[name]}, not ${value}`);
  });
}

test("what is known already is not looked at twice", () => {
  const [known, near, far] = [square(50, 50, 40, 1), square(54, 52, 44), square(150, 50, 40)];
  const found = [near, square(10, 10, 0), square(Number.NaN, 0, Number.NaN), far];
  assert.deepEqual(chooseRegions([known], found, 3), [known, far]);
  assert.deepEqual(chooseRegions([], [near, far], 1), [near]);
  assert.equal(chooseRegions([known], [square(50 + 40 / 3, 50, 40)], 2).length, 2);
});

const PLAIN = { circle: null, right: null, up: null, scale: 1, shift: [0, 0] };
/** Boxes that the detector finds, and where the model was asked. */
function scene(max, boxes, seen = () => true) {
  const asked = { detector: 0, regions: [] };
  const rule = { found: PLAIN, followed: { ...PLAIN, scale: 2 }, max };
  const detect = async () => {
    asked.detector++;
    return boxes.map(([x, y]) => ({ box: { x: x - 5, y: y - 5, width: 10, height: 10 } }));
  };
  const read = async (region) => {
    asked.regions.push(region);
    return seen(region) ? [{ box: { x: region.x, y: region.y, width: 4, height: 4 } }] : [];
  };
  return { asked, look: (known) => look(rule, detect, read, known) };
}

test("a picture is searched, and each thing says where to look for it next", async () => {
  const { asked, look } = scene(2, [
    [20, 20],
    [80, 20],
    [80, 90],
  ]);
  const answers = await look();
  assert.deepEqual(asked.regions, [square(20, 20, 10), square(80, 20, 10)], "as many as wanted");
  assert.deepEqual(
    answers.map(({ region }) => region),
    [square(22, 22, 8), square(82, 22, 8)],
  );
});

test("the detector rests until a thing is lost", async () => {
  let there = true;
  const { asked, look } = scene(1, [[20, 20]], () => there);
  let regions;
  for (let frame = 0; frame < 3; frame++) regions = (await look(regions)).map((one) => one.region);
  assert.equal(asked.detector, 1);
  there = false;
  assert.deepEqual(await look(regions), []);
  assert.equal(asked.detector, 1, "nobody knows yet that it is lost");
  await look([]);
  assert.equal(asked.detector, 2);
});

test("where more things may be than are known, it looks for them", async () => {
  const { asked, look } = scene(2, [
    [21, 20],
    [80, 20],
  ]);
  const known = square(20, 20, 10);
  await look([known]);
  assert.equal(asked.detector, 1);
  assert.deepEqual(asked.regions, [known, square(80, 20, 10)], "the known one is not found anew");
});

/** A session that answers with what it was asked. */
class Session {
  constructor({ manifest }, wish) {
    this.code = {};
    const bytes = { fetched: 0, cached: 3, total: 3 };
    const { name } = manifest;
    this.wish = wish;
    this.info = { name, artifact: `${name}/fp32`, backend: "b", methods: [`${name}Of`], bytes };
    Object.assign(this.info, { tried: [name], warnings: [] });
  }

  async open({ onProgress }) {
    for (const loaded of [1, 3])
      onProgress({ loaded, total: 3, fetched: 0, cached: loaded, files: [this.info.name] });
    return this;
  }

  async ask(_hooks, method, value, options) {
    log.push([method, options, value]);
    const box = { x: 0, y: 0, width: 10, height: 10 };
    return [[{ box, score: 1 }], this.info.artifact];
  }

  async dispose() {
    log.push(["dispose", this.info.name]);
  }
}
let log = [];
const RULE = { found: PLAIN, followed: { ...PLAIN, scale: 2 }, max: 1 };

test("one model is asked, and a detector goes before it", async () => {
  log = [];
  const manifest = { name: "mesh", region: { ...RULE, detector: { name: "finder" } } };
  const model = new (chained(Session))({ manifest }, { artifact: "onnx/fp16", backend: "b" });
  const progress = [];
  await model.open({ onProgress: (one) => progress.push(one) });
  assert.deepEqual(progress.at(-1), {
    loaded: 6,
    total: 6,
    fetched: 0,
    cached: 6,
    files: ["mesh", "finder"],
  });
  assert.ok(progress.every((one) => one.total === 6));
  const picture = { data: [], width: 1, height: 1 };
  const part = { region: { x: 1, y: 2, width: 3, height: 4 }, rotation: 9 };
  const [answers, artifact] = await model.ask({}, "face", picture, { threshold: 0.3, ...part });
  assert.equal(artifact, "mesh/fp32");
  assert.deepEqual(answers.image, { width: 1, height: 1 });
  const [answer] = answers;
  assert.deepEqual(answer.region, square(5, 5, 20));
  assert.deepEqual(log, [
    ["finderOf", { max: 1, ...part }, picture],
    ["face", { threshold: 0.3, region: square(5, 5, 10) }, picture],
  ]);
  await model.ask({}, "face", picture, { regions: [answer.region] });
  assert.deepEqual(log[2], ["face", { region: square(5, 5, 20) }, picture], "it rests");
  const { detector, bytes, tried } = model.info;
  assert.deepEqual(detector, { name: "finder", artifact: "finder/fp32", backend: "b" });
  assert.deepEqual([bytes.total, bytes.cached, tried], [6, 6, ["mesh", "finder"]]);
  await model.dispose();
  assert.equal(log.length, 5);
});
