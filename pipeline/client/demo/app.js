/** The demo page: a picture, what the published model says of it, and classes of one's own. */

import { fetchRelease } from "../fetch.js";
import { readChannels, ROOT } from "./catalog.js";
import { announce, enable, find, make, say } from "./dom.js";
import { readsDigits } from "./digits.js";
import { Side } from "./side.js";
import { Stage } from "./stage.js";
import { Teach } from "./teach/teach.js";
import { verdict } from "./verdict.js";
import { line, median, milliseconds, percent } from "./words.js";

const RUNS = 20;

/** @type {Side[]} */
const sides = [];
const stage = new Stage(() => seen());
const teach = new Teach(stage);
/** @type {{ manifest: any, url: string } | null} */
let release = null;
/** @type {Promise<void> | null} */
let looking = null;
/** How many models were asked for: only the last one is shown, whichever comes first. */
let asked = 0;

async function begin() {
  showView();
  addEventListener("hashchange", showView);
  find("#compare").addEventListener("click", toggleCompare);
  find("#time").addEventListener("click", () => void timeRuns());
  const channels = await readChannels();
  offerModels(channels);
  await open(channels[0].url);
}

/** @param {import("./catalog.js").Channel[]} channels */
function offerModels(channels) {
  const select = /** @type {HTMLSelectElement} */ (find("#model"));
  select.replaceChildren(
    ...channels.map(({ model, channel, url }) =>
      make("option", { value: url }, `${model} · ${channel}`),
    ),
  );
  find("#model-field").hidden = channels.length < 2;
  select.addEventListener("change", () => open(select.value).catch(fail));
}

/** @param {string} url of a channel */
async function open(url) {
  const mine = ++asked;
  say(find("#fatal"));
  const { manifest, base, offline } = await fetchRelease(url, {});
  if (mine !== asked) return;
  release = { manifest, url };
  describe(manifest, offline);
  await stage.open(readsDigits(manifest));
  if (mine !== asked) return;
  teach.open(manifest, base);
  if (!sides.length) addSide();
  sides.forEach((side) => side.offer(manifest, url));
  await Promise.all(sides.map((side) => side.load()));
}

/** @param {any} manifest @param {boolean} offline */
function describe({ name, description, release: id, license, accuracy, samples }, offline) {
  document.title = `${name}: model demo`;
  find("#name").textContent = name;
  find("#description").textContent = description ?? "";
  const measured = accuracy
    ? ` · ${percent(accuracy.value)} right on ${samples.test} test samples`
    : "";
  find("#about").textContent = `Release ${id} · ${license}${measured}`;
  find("#offline").textContent = offline ? "Offline: this is the release of the last visit." : "";
}

function addSide(artifact = "") {
  const side = new Side("AB"[sides.length], changed);
  sides.push(side);
  find("#sides").append(side.root);
  if (release) side.offer(release.manifest, release.url, artifact);
  sides.forEach((one) => one.alone(sides.length === 1));
  return side;
}

function toggleCompare() {
  const on = sides.length === 1;
  find("#compare").setAttribute("aria-pressed", String(on));
  if (on) void addSide(other()).load();
  else void sides.pop()?.close();
  sides.forEach((one) => one.alone(sides.length === 1));
  changed();
}

/** What is worth comparing with: the plain model, or the smallest of the rest. */
function other() {
  const first = sides[0].model?.info.artifact;
  const ids = release?.manifest.artifacts
    .map((/** @type {any} */ { id }) => id)
    .filter((/** @type {string} */ id) => id !== first);
  return ids.find((/** @type {string} */ id) => id === "tfjs-graph/fp32") ?? ids[0] ?? "";
}

/** A side loaded, answered or failed. */
function changed() {
  enable("#time", Boolean(stage.picture) && sides.some((side) => side.model));
  if (stage.picture && !teach.shown && sides.some(waits)) void seen();
  say(find("#verdict"), sides.length === 2 ? verdict(sides[0], sides[1]) : "");
}

/** Answer what is on the stage; what comes meanwhile is answered next, the last of it. */
const seen = () => (looking ??= look());

async function look() {
  // What changes in one go, as a mode and its picture, is looked at once.
  await null;
  let picture;
  try {
    do {
      picture = stage.picture;
      if (!picture) sides.forEach((side) => side.clear());
      else if (teach.shown) await teach.classify(picture);
      else await answer(picture);
    } while (stage.picture !== picture || (picture && !teach.shown && sides.some(waits)));
  } finally {
    looking = null;
  }
  teach.update();
  changed();
}

/** @param {Side} side */
const waits = (side) => side.model && side.seen !== stage.picture;

/** @param {import("./stage.js").Picture} picture */
async function answer(picture) {
  for (const side of sides) await side.classify(picture);
  const [first] = sides;
  if (first.answer) announce(`Answer: ${first.answer[0].label}, ${percent(first.answer[0].score)}`);
}

/** Both sides in turn, so that what else the machine does disturbs both alike. */
async function timeRuns() {
  const { picture } = stage;
  if (!picture) return;
  enable("#time", false);
  sides.forEach((side) => (side.times = []));
  for (let run = 0; run < RUNS; run++) {
    // Whoever comes first after a pause has a disadvantage.
    for (const side of run % 2 ? [...sides].reverse() : sides) await side.classify(picture);
  }
  changed();
  const [first] = sides;
  const said = find("#verdict").textContent || `Median: ${milliseconds(median(first.times))}`;
  announce(`Timed. ${said}`);
}

function showView() {
  const teaching = location.hash === "#teach";
  find("#try").hidden = teaching;
  find("#teach").hidden = !teaching;
  for (const link of document.querySelectorAll(".views a")) {
    if (link.getAttribute("href") === (teaching ? "#teach" : "#try"))
      link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  teach.show(teaching);
  if (stage.picture) void seen();
}

/** @param {unknown} error */
function fail(error) {
  say(find("#fatal"), line(error));
}

// Its scope is the whole folder: workers of the client lie beside the page, not below it.
navigator.serviceWorker?.register(new URL("sw.js", ROOT)).catch(() => {
  // Without it, as in a private window, the page works online.
});
begin().catch(fail);
