/** The small artifact answers, and the large one where that is in doubt. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { cascaded } from "../../../pipeline/client/cascade.js";

/** What happened to the artifacts: opened, asked, disposed of. */
let log = [];
/** @type {Record<string, (run: number) => unknown>} what an artifact does at each run, or as it opens */
let faults = {};
beforeEach(() => {
  log = [];
  faults = {};
});

/** A session that answers at once; the input is what the small one is sure by. */
class Session {
  #runs = 0;

  constructor(release, { artifact }) {
    this.release = release;
    this.info = { artifact, backend: `${artifact}-backend`, tried: [], warnings: [] };
    this.code = {
      inputOf: (value) => value,
      sure: ({ sure }) => sure,
      methods: {
        tell: ({ from }, _manifest, { more }, feeds) => ({ from, more, of: feeds.sure }),
      },
    };
  }

  async open() {
    log.push(`open ${this.info.artifact}`);
    faults[`open ${this.info.artifact}`]?.();
    return this;
  }

  async predict(_hooks, feeds) {
    log.push(`run ${this.info.artifact}`);
    faults[this.info.artifact]?.(this.#runs++);
    return { ...feeds, from: this.info.artifact };
  }

  async dispose() {
    log.push(`dispose ${this.info.artifact}`);
  }
}

const CASCADE = { small: "small", large: "large", threshold: 0.5 };
const hooks = { signal: new AbortController().signal };

const cascadeOf = async (cascade = CASCADE, wish = {}) => {
  const model = new (cascaded(Session))({ manifest: { cascade, artifacts: [] } }, wish);
  await model.open(hooks);
  return model;
};

const artifacts = async (model, ...sure) => {
  const found = [];
  for (const one of sure) found.push((await model.ask(hooks, "tell", { sure: one }, {}))[1]);
  return found;
};

test("the large one is asked below the threshold, and opened when it first is", async () => {
  const model = await cascadeOf();
  assert.deepEqual(await artifacts(model, 0.9, 0.5), ["small", "small"]);
  assert.deepEqual(log, ["open small", "run small", "run small"]);
  assert.equal(model.info.cascade.backend, null);
  assert.deepEqual(await artifacts(model, 0.49, 0.9, 0.2), ["large", "small", "large"]);
  assert.equal(log.filter((one) => one === "open large").length, 1);
  assert.equal(
    log.filter((one) => one === "run small").length,
    5,
    "the small one always answers first",
  );
  const { cascade, artifact } = model.info;
  assert.deepEqual(cascade, {
    ...CASCADE,
    answered: { small: 3, large: 2 },
    backend: "large-backend",
  });
  assert.equal(artifact, "small");
});

test("the answer is made of the outputs that count, with the caller's options", async () => {
  const model = await cascadeOf();
  const asked = async (sure) => (await model.ask(hooks, "tell", { sure }, { more: 1 }))[0];
  assert.deepEqual(await asked(0.1), { from: "large", more: 1, of: 0.1 });
  assert.deepEqual(await asked(0.8), { from: "small", more: 1, of: 0.8 });
});

test("where the large one breaks down the small one's answer stands, and it is not asked again", async () => {
  faults.large = (run) => {
    if (run) throw new Error("the device is lost");
  };
  const model = await cascadeOf();
  assert.deepEqual(await artifacts(model, 0.1, 0.1, 0.1), ["large", "small", "small"]);
  const { cascade, warnings } = model.info;
  assert.deepEqual(cascade.answered, { large: 1, small: 2 });
  assert.deepEqual(warnings, ["the large artifact could not be had: the device is lost"]);
  assert.equal(log.filter((one) => one.startsWith("open")).length, 2);
  assert.equal(log.filter((one) => one === "dispose large").length, 1);
});

test("where the large one does not open, what was tried of it is told", async () => {
  const tried = [{ artifact: "large", backend: "x", code: "http" }];
  faults["open large"] = () => {
    throw Object.assign(new Error("HTTP 404"), { tried });
  };
  const model = await cascadeOf();
  assert.deepEqual(await artifacts(model, 0.1, 0.1), ["small", "small"]);
  assert.deepEqual(model.info.tried, tried);
  assert.deepEqual(model.info.warnings, ["the large artifact could not be had: HTTP 404"]);
  assert.equal(log.filter((one) => one === "open large").length, 1);
});

test("an aborted call is no fault of the large one", async () => {
  const control = new AbortController();
  const model = await cascadeOf();
  faults["open large"] = () => {
    control.abort(new Error("enough"));
    throw control.signal.reason;
  };
  const asked = model.ask({ signal: control.signal }, "tell", { sure: 0.1 }, {});
  await assert.rejects(asked, /^Error: enough$/);
  faults = {};
  assert.deepEqual(await artifacts(model, 0.1), ["large"]);
});

test("a backend that is asked for takes the cascade whose artifacts it runs", async () => {
  const cascade = {
    ...{ small: "tfjs-graph/uint8", large: "tfjs-graph/fp32", threshold: 0.5 },
    others: [{ small: "onnx/int8", large: "onnx/fp32", threshold: 0.7 }],
  };
  const small = async (backend) => (await cascadeOf(cascade, { backend })).info.cascade.small;
  assert.equal(await small(undefined), "tfjs-graph/uint8");
  assert.equal(await small("tfjs-webgl"), "tfjs-graph/uint8");
  assert.equal(await small("ort-wasm"), "onnx/int8");
  for (const wish of [{ backend: "ort-wasm" }, {}]) {
    await assert.rejects(cascadeOf(wish.backend ? CASCADE : null, wish), {
      name: "ModelError",
      code: "input",
      message: "this release has no such cascade",
    });
  }
});

test("both are disposed of, and tensors go to the small one", async () => {
  const model = await cascadeOf();
  assert.equal((await model.predict(hooks, {})).from, "small");
  await artifacts(model, 0.1);
  await model.dispose();
  assert.deepEqual(log.slice(-2), ["dispose small", "dispose large"]);
});

test("each names the other's files, which no room is made of", async () => {
  const files = [{ path: "a" }];
  const manifest = {
    cascade: CASCADE,
    artifacts: [
      { id: "small", format: "onnx", files },
      { id: "large", format: "onnx", files },
    ],
    runtimes: { "small-backend": "the small one's runtime" },
    task: "none",
  };
  const releases = [];
  class Told extends Session {
    constructor(release, wish) {
      super(release, wish);
      releases.push(release);
    }
  }
  const model = new (cascaded(Told))({ manifest }, {});
  await model.open(hooks);
  assert.equal(releases[0].spare, "", "nothing is open beside it");
  await artifacts(model, 0.1);
  assert.match(releases[1].spare, /"id":"small".*the small one's runtime/);
  assert.match(releases[0].spare, /"id":"large"/);
});
