/** The demo page: an item on the stage, and what the published model says of it, in its task's panel. */

import { fetchRelease } from "../fetch.js";
import { ROOT, readChannels, wanted } from "./catalog.js";
import { announce, enable, find, make, say } from "./dom.js";
import { Panels } from "./panels.js";
import { Side } from "./side.js";
import { copyOn, lead, pin, snippet } from "./snippet.js";
import { hear, tell } from "./tabs.js";
import { verdict } from "./verdict.js";
import { line, median, milliseconds, score } from "./words.js";

const RUNS = 20;

/** @type {Side[]} */
const sides = [];
const panels = new Panels({
  stage: find("#stage"),
  panel: find("#panel"),
  seen: () => seen(),
  tell,
});
/** @type {import("./contract.js").Panel} */
let panel;
/** @typedef {import("./side.js").Release & { integrity: string }} Release */
/** @type {Release | null} */
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
  copyOn(find("#copy"), () => find("#snippet").textContent ?? "");
  hear(heard);
  const channels = await readChannels();
  const select = offerModels(channels);
  const choose = () => open(channels[select.selectedIndex]).catch(fail);
  select.addEventListener("change", choose);
  find("#notice button").addEventListener("click", choose);
  select.selectedIndex = channels.indexOf(wanted(channels));
  await choose();
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
  return select;
}

/** @param {import("./catalog.js").Channel} chosen */
async function open(chosen) {
  const mine = ++asked;
  const { url, model, channel } = chosen;
  say(find("#fatal"));
  find("#notice").hidden = true;
  describe(chosen);
  history.replaceState(null, "", `?${new URLSearchParams({ model, channel })}${location.hash}`);
  // What is shown of the model before belongs to it alone.
  release = null;
  panel?.stage.clear();
  await Promise.all(sides.map((side) => side.forget()));
  const { manifest, base, offline, content } = await fetchRelease(url, {});
  if (mine !== asked) return;
  // What came is what pages need, but of a release of before, which has only the whole.
  const file = "tools" in manifest ? "manifest.json" : "page.json";
  const pinned = new URL(`releases/${manifest.release}/${file}`, base).href;
  const integrity = await pin(content);
  if (mine !== asked || !(await take(manifest, () => mine === asked))) return;
  release = { manifest, url, pinned, integrity };
  describe(manifest);
  credit(manifest, offline);
  panel.open(manifest, base);
  if (!sides.length) addSide();
  for (const side of sides) side.offer(release);
  find("main").hidden = find("#panel").hidden = false;
  lead("#report", manifest.report && new URL(manifest.report, base).href);
  lead("#releases", new URL("index.html", base).href);
  tell({ what: "release", url, release: manifest.release, created: manifest.created });
  await Promise.all(sides.map((side) => side.load()));
}

/**
 * The panel of a release's task in place of that of another one.
 * @param {any} manifest
 * @param {() => boolean} wanted whether nothing else was asked for meanwhile
 */
async function take(manifest, wanted) {
  const taken = await panels.take(manifest, wanted);
  if (taken === panel || !taken) return taken;
  panel = taken;
  await Promise.all(sides.splice(0).map((side) => side.close()));
  find("#compare").setAttribute("aria-pressed", "false");
  offerViews();
  showView();
  return panel;
}

/** Links to the panel's own views, behind "Try it". */
function offerViews() {
  document.querySelectorAll(".views .own").forEach((link) => link.remove());
  for (const { name, title } of panel.views)
    find("#all-models").before(make("a", { href: `#${name}`, class: "own" }, title));
}

/** The panel's own view that is shown, if one is. */
const own = () => panel?.views.find(({ shown }) => shown);

/** @param {{ name?: string, model?: string, description?: string | null }} shown */
function describe({ name, model, description }) {
  document.title = `${name ?? model}: model demo`;
  find("#name").textContent = find("#name").title = name ?? model ?? "";
  find("#description").textContent = find("#description").title = description ?? "";
}

/** @param {any} manifest @param {boolean} offline */
function credit({ release: id, license, accuracy, samples }, offline) {
  const measured = accuracy ? ` · ${score(accuracy)} on ${samples.test} test samples` : "";
  find("#about").textContent = `Release ${id} · ${license}${measured}`;
  find("#offline").textContent = offline ? "Offline: this is the release of the last visit." : "";
  find("footer").hidden = false;
}

/** What another tab tells: this one says so, and goes on with what it shows. @param {import("./tabs.js").News} news */
function heard(news) {
  if (news.what !== "release") return panel?.hear?.(news);
  if (!release || news.url !== release.url || news.created <= release.manifest.created) return;
  find("#notice span").textContent = "A newer release of this model was published.";
  find("#notice").hidden = false;
}

function addSide(artifact = "") {
  const side = new Side("AB"[sides.length], panel, changed);
  sides.push(side);
  find("#sides").append(side.root);
  if (release) side.offer(release, artifact);
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
  return ids?.find((/** @type {string} */ id) => id === "tfjs-graph/fp32") ?? ids?.[0] ?? "";
}

/** A side was asked for something else, loaded, answered or failed. */
function changed() {
  const item = panel?.stage.item;
  enable("#time", Boolean(item) && sides.some((side) => side.model));
  if (item && !own() && sides.some(waits)) void seen();
  say(find("#verdict"), sides.length === 2 ? verdict(sides[0], sides[1], panel) : "");
  const peek = document.querySelector("#peek");
  if (peek) peek.textContent = own()?.said ?? said();
  if (release)
    find("#snippet").textContent = snippet({
      client: new URL("client/index.js", ROOT).href,
      url: release.pinned,
      integrity: release.integrity,
      wish: sides[0].wish,
      code: panel.code,
    });
}

/** What each side answers to what is on the stage: on a phone it stands in the picture. */
function said() {
  const answers = sides.map(({ name, answer, seen }) => {
    if (!answer || !seen || seen !== panel.stage.item) return "";
    return (sides.length > 1 ? `${name}: ` : "") + panel.inShort({ answer, item: seen });
  });
  return answers.filter(Boolean).join(" · ");
}

/** Answer what is on the stage; what comes meanwhile is answered next, the last of it. */
const seen = () => (looking ??= look());

async function look() {
  // What changes in one go, as a mode and its picture, is looked at once.
  await null;
  let item;
  try {
    do {
      item = panel.stage.item;
      if (!item) for (const one of [...sides, ...panel.views]) one.clear();
      else await (own()?.look(item) ?? answer(item));
    } while (panel.stage.item !== item || (item && !own() && sides.some(waits)));
  } finally {
    looking = null;
  }
  for (const view of panel.views) view.update();
  changed();
}

/** @param {Side} side */
const waits = (side) => side.model && side.seen !== panel.stage.item;

/** @param {import("./contract.js").Item} item */
async function answer(item) {
  for (const side of sides) await side.ask(item);
  const [first] = sides;
  if (first?.answer) announce(`Answer: ${panel.inShort({ answer: first.answer, item })}`);
}

/** Both sides in turn, so that what else the machine does disturbs both alike. */
async function timeRuns() {
  const { stage } = panel;
  const { item } = stage;
  if (!item) return;
  enable("#time", false);
  sides.forEach((side) => (side.times = []));
  // Whoever draws on, or chooses anew, has no use for the rest.
  for (let run = 0; run < RUNS && stage.item === item; run++) {
    // Whoever comes first after a pause has a disadvantage.
    for (const side of run % 2 ? [...sides].reverse() : sides) await side.ask(item);
  }
  changed();
  const [first] = sides;
  if (stage.item !== item || !first.times.length) return;
  const outcome = find("#verdict").textContent || `Median: ${milliseconds(median(first.times))}`;
  announce(`Timed. ${outcome}`);
}

function showView() {
  const view = panel?.views.find(({ name }) => location.hash === `#${name}`);
  find("#try").hidden = Boolean(view);
  for (const link of document.querySelectorAll(".views a")) {
    if (link.getAttribute("href") === (view ? `#${view.name}` : "#try"))
      link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const one of panel?.views ?? []) {
    one.root.hidden = one !== view;
    one.show(one === view);
  }
  changed();
  if (panel?.stage.item) void seen();
}

/** @param {unknown} error */
function fail(error) {
  say(find("#fatal"), line(error));
  // Without a model there is nothing to show to it.
  find("main").hidden = !release;
}

// Its scope is the whole folder: workers of the client lie beside the page, not below it.
navigator.serviceWorker?.register(new URL("sw.js", ROOT)).catch(() => {
  // Without it, as in a private window, the page works online.
});
begin().catch(fail);
