/** One file over a network that fails as networks do. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { MOST_JSON_BYTES, MOST_WAIT_MS } from "../../../pipeline/client/limits.js";
import { download, mayPass, unlessAborted } from "../../../pipeline/client/transport.js";
import { answer, cut, drop, longer, Network, shorter, stall, timed } from "./network.mjs";

const URL = "https://cdn.example/a.bin";
const CONTENT = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

/** @type {Network} */
let network;
beforeEach(() => {
  network = new Network();
  network.serve(URL, CONTENT);
});

const got = (transfer = {}) => timed(() => download(URL, { bytes: CONTENT.length, ...transfer }));
const isWhole = ({ value }) => assert.deepEqual(new Uint8Array(value), CONTENT);

test("a file comes whole, and says how much of it is there", async () => {
  const told = [];
  const done = await got({ onBytes: (loaded) => told.push(loaded) });
  isWhole(done);
  assert.equal(done.ms, 0);
  assert.equal(told[0], 0);
  assert.equal(told.at(-1), CONTENT.length);
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  );
});

for (const [name, fault] of Object.entries({
  "a dropped connection": drop,
  "a cut one": cut,
  "a body that ends early": shorter,
  408: answer(408),
  429: answer(429),
  500: answer(500),
  503: answer(503),
})) {
  test(`${name} is tried again, each time after twice as long`, async () => {
    network.fail(/a.bin/, fault, 3);
    const done = await got();
    isWhole(done);
    assert.equal(network.requests.length, 4);
    // 400, 800 and 1600 ms, each up to twice as long by chance.
    assert.ok(done.ms >= 2800 && done.ms <= 5600 + 150, `${done.ms} ms`);
  });
}

test("what stays down is given up after four tries, with what it said last", async () => {
  network.fail(/a.bin/, answer(500));
  const { error } = await got();
  assert.deepEqual([error.name, error.code, error.status], ["LoadError", "http", 500]);
  assert.deepEqual([error.message, error.url], [`${URL}: HTTP 500`, URL]);
  assert.equal(network.requests.length, 4);
});

for (const status of [404, 403, 410]) {
  test(`${status} is not asked for again`, async () => {
    network.fail(/a.bin/, answer(status));
    const { error, ms } = await got();
    assert.deepEqual([error.code, error.status, ms], ["http", status, 0]);
    assert.equal(network.requests.length, 1);
  });
}

test("a server says when to come back, up to half a minute", async () => {
  network.fail(/a.bin/, answer(503, { "Retry-After": "7" }), 1);
  const done = await got();
  isWhole(done);
  assert.ok(done.ms >= 7000 && done.ms <= 7050, `${done.ms} ms`);
  network.fail(/a.bin/, answer(503, { "Retry-After": "3600" }), 1);
  const late = await got();
  assert.ok(late.ms >= MOST_WAIT_MS && late.ms <= MOST_WAIT_MS + 50, `${late.ms} ms`);
  // A date, which few servers send, is as none.
  network.fail(/a.bin/, answer(503, { "Retry-After": "Mon, 30 Nov 2026 00:00:00 GMT" }), 1);
  assert.ok((await got()).ms <= 850);
});

test("a connection on which nothing comes counts as broken", async () => {
  network.fail(/a.bin/, stall, 1);
  const done = await got({ stallMs: 5000 });
  isWhole(done);
  assert.ok(done.ms >= 5400 && done.ms <= 5900, `${done.ms} ms`);
  network.fail(/a.bin/, stall);
  const { error } = await got({ stallMs: 5000, tries: 1 });
  assert.equal(error.code, "network");
  assert.equal(error.message, `${URL} cannot be fetched: no byte for 5000 ms`);
});

test("no more is read than was promised, but for one piece", async () => {
  let sent = 0;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull: (body) => {
          sent += 1000;
          body.enqueue(new Uint8Array(1000));
        },
      }),
    );
  network.fail(/a.bin/, endless);
  assert.equal((await got({ bytes: 2500 })).value.byteLength, 3000);
  assert.ok(sent <= 5000, `${sent} bytes were sent`);
  // Of a pointer or a manifest nobody knows the size before.
  const { value } = await got({ bytes: undefined });
  assert.ok(value.byteLength <= MOST_JSON_BYTES + 1000);
});

test("a longer body is handed on, and a digest's matter", async () => {
  network.fail(/a.bin/, longer);
  assert.equal((await got()).value.byteLength, CONTENT.length + 3);
});

test("without a network nobody waits for one", async () => {
  network.fail(/a.bin/, drop);
  navigator.onLine = false;
  const { error, ms } = await got();
  navigator.onLine = true;
  assert.deepEqual([error.code, ms, network.requests.length], ["offline", 0, 1]);
});

test("an aborted one rejects with the signal's reason: before, while it runs, while it waits", async () => {
  const aborted = (after, reason) => {
    const control = new AbortController();
    if (after) setTimeout(() => control.abort(reason), after);
    else control.abort(reason);
    return control.signal;
  };
  const reason = new Error("enough");
  assert.equal((await timed(() => download(URL, { signal: aborted(0, reason) }))).error, reason);
  assert.equal(network.requests.length, 0);
  network.fail(/a.bin/, stall, 1);
  const while_ = await timed(() => download(URL, { signal: aborted(300, reason) }));
  assert.deepEqual([while_.error, while_.ms], [reason, 300]);
  network.fail(/a.bin/, answer(503, { "Retry-After": "20" }));
  const waiting = await timed(() => download(URL, { signal: aborted(300, null) }));
  assert.deepEqual([waiting.error, waiting.ms], [null, 300]);
});

test("what may pass is what the same request may do better later", () => {
  const http = (status) => ({ code: "http", status });
  for (const error of [{ code: "network" }, { code: "offline" }, http(503), http(429), http(408)])
    assert.equal(mayPass(error), true);
  for (const error of [{ code: "integrity" }, http(404), new Error("x"), null, undefined])
    assert.equal(mayPass(error), false);
});

test("work that hears no signal is left alone, and the signal is let go", async () => {
  const control = new AbortController();
  const { signal } = control;
  let listeners = 0;
  for (const [name, step] of [
    ["addEventListener", 1],
    ["removeEventListener", -1],
  ]) {
    const original = signal[name];
    signal[name] = (...all) => {
      listeners += step;
      original.apply(signal, all);
    };
  }
  assert.equal(await unlessAborted(Promise.resolve(7), signal), 7);
  assert.equal(await unlessAborted(Promise.resolve(7)), 7);
  const waiting = unlessAborted(new Promise(() => {}), signal);
  control.abort(null);
  await assert.rejects(waiting, (reason) => reason === null);
  assert.equal(listeners, 0);
});
