/** Calls to where the model runs, over a port. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { LoadError, ModelError } from "../../../pipeline/client/errors.js";
import { linked } from "../../../pipeline/client/link.js";

/** A link, and what the other end does with each call. @param {(data: any, send: (said: any) => void) => void} hear */
const linkTo = (t, hear) => {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const heard = [];
  port2.onmessage = ({ data }) => {
    heard.push(data);
    hear(data, (said) => port2.postMessage(said));
  };
  return { link: linked(port1), heard, port: port1 };
};

const echo = ({ id, args }, send) => send({ id, result: args });

test("each call gets its own answer, whichever comes first", async (t) => {
  const calls = [];
  const { link } = linkTo(t, (data, send) => {
    calls.push(data);
    if (calls.length === 2)
      for (const { id, method } of calls.reverse()) send({ id, result: method });
  });
  assert.deepEqual(await Promise.all([link.call("one", []), link.call("two", [])]), ["one", "two"]);
});

test("progress is told, and what the model says of itself is kept", async (t) => {
  const { link } = linkTo(t, ({ id }, send) => {
    send({ id, progress: { loaded: 1 } });
    send({ id, progress: { loaded: 2 } });
    send({ id, result: "done", info: { backend: "wasm" } });
  });
  const told = [];
  const onProgress = ({ loaded }) => told.push(loaded);
  assert.equal(await link.call("open", [], { onProgress }), "done");
  assert.deepEqual([told, link.info], [[1, 2], { backend: "wasm" }]);
});

test("an error keeps its class and its fields", async (t) => {
  const error = { name: "LoadError", code: "http", message: "HTTP 404", status: 404 };
  const { link } = linkTo(t, ({ id }, send) => send({ id, error }));
  await assert.rejects(link.call("open", []), (thrown) => {
    assert.ok(thrown instanceof LoadError);
    return thrown.code === "http" && thrown.status === 404;
  });
});

test("what is given away is gone, and all else stays the caller's", async (t) => {
  const { link } = linkTo(t, echo);
  const [given, kept] = [new Uint8Array([1, 2]), new Uint8Array([3])];
  const [answer] = await link.call("predict", [{ given, kept }], { transfer: [given.buffer] });
  assert.deepEqual([...answer.given, ...answer.kept], [1, 2, 3]);
  assert.deepEqual([given.length, kept.length], [0, 1]);
});

test("what cannot be sent is refused, and the next call is answered", async (t) => {
  const { link } = linkTo(t, echo);
  await assert.rejects(link.call("predict", [() => {}]), { name: "DataCloneError" });
  assert.deepEqual(await link.call("predict", [1]), [1]);
});

test("an aborted call is told to the other end, with the signal's reason to the caller", async (t) => {
  const { link, heard } = linkTo(t, () => {});
  const control = new AbortController();
  const calling = link.call("classify", [], { signal: control.signal });
  await wait(10);
  control.abort(null);
  await assert.rejects(calling, (reason) => reason === null);
  await wait(10);
  assert.deepEqual(heard[1], { abort: heard[0].id });
  const before = link.call("classify", [], { signal: AbortSignal.abort("enough") });
  await assert.rejects(before, (reason) => reason === "enough");
  await wait(10);
  assert.equal(heard.length, 2, "what is aborted before is not sent");
});

test("a worker that fails fails the calls that it has not answered", async (t) => {
  const { link, port } = linkTo(t, () => {});
  const calling = link.call("open", []);
  port.onerror({ message: "out of memory" });
  await assert.rejects(calling, { code: "lost", message: "worker failed: out of memory" });
});

test("what is closed answers no call, and says why", async (t) => {
  const { link } = linkTo(t, () => {});
  const pending = link.call("classify", []);
  const reason = new ModelError("disposed", "load it again");
  link.close(reason);
  await assert.rejects(pending, (error) => error === reason);
  await assert.rejects(link.call("classify", []), (error) => error === reason);
});
