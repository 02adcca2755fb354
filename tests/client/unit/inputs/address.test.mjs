/** Pictures come by their URLs, and what stands in the way is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureAt } from "../../../../pipeline/inputs/image/address.js";

/** A network that gives other origins nothing that may be read. */
const network = ({ status = 200, open = true, up = true } = {}) => {
  const asked = [];
  globalThis.fetch = async (url, { mode = "cors", signal } = {}) => {
    signal?.throwIfAborted();
    asked.push(`${mode} ${url}`);
    if (!up || (mode === "cors" && !open)) throw new TypeError("Failed to fetch");
    return mode === "cors" ? new Response("a picture", { status }) : Response.error();
  };
  return asked;
};
const BASE = "https://page.example/folder/";
const URL_ELSEWHERE = "https://other.example/cat.jpg";

test("a URL is relative to the page's", async () => {
  const asked = network();
  const picture = await pictureAt("../cat.jpg", BASE);
  assert.equal(await picture.text(), "a picture");
  assert.deepEqual(asked, ["cors https://page.example/cat.jpg"]);
  await pictureAt(URL_ELSEWHERE);
  assert.equal(asked[1], `cors ${URL_ELSEWHERE}`);
});

test("what stands in the way is told", async () => {
  const told = (message) => ({ name: "ModelError", code: "input", message });
  network({ status: 404 });
  await assert.rejects(pictureAt(URL_ELSEWHERE), told(`no image at ${URL_ELSEWHERE}: HTTP 404`));
  network({ open: false });
  await assert.rejects(
    pictureAt(URL_ELSEWHERE),
    told(/another origin.*Access-Control-Allow-Origin/),
  );
  network({ up: false });
  await assert.rejects(pictureAt(URL_ELSEWHERE), told(/cannot be fetched.*CSP connect-src/));
  await assert.rejects(pictureAt("cat.jpg"), told("cat.jpg is no URL of an image"));
  await assert.rejects(
    pictureAt(`data:,${"x".repeat(999)}`),
    ({ message }) => message.length < 400,
  );
});

test("a signal ends it with its reason", async () => {
  network();
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(pictureAt(URL_ELSEWHERE, BASE, signal), { message: "enough" });
});
