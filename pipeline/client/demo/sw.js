/**
 * Lets the demo be opened offline: published at the root of the CDN folder, since workers are
 * looked after by where they lie. Models and runtimes are none of its business: the client keeps
 * them by digest, and checks them.
 */

/** What the page and the client are made of. */
const SHELL = [
  "./",
  "index.json",
  "index.html",
  "demo/",
  "demo/index.html",
  "demo/app.js",
  "demo/icon.svg",
  "demo/manifest.webmanifest",
  "demo/panels.json",
  "demo/style.css",
  "client/index.js",
  // Loaded where they are needed, which may be offline.
  "client/before.js",
  "client/cascade.js",
  "client/chain.js",
  "client/database.js",
  "client/explain.js",
  "client/fallback.js",
  "client/large.js",
  "client/room.js",
];
const CACHE = "model-demo";
/** How long a slow network is waited for where there is a copy. */
const PATIENCE_MS = 3000;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = request.url.slice(self.registration.scope.length);
  const ours =
    request.url.startsWith(self.registration.scope) && /^($|index\.|demo\/|client\/)/.test(path);
  if (request.method === "GET" && ours) event.respondWith(answer(event));
});

// The page has loaded a panel, which this worker may not have seen.
self.addEventListener("message", (event) => event.waitUntil(keepAll(event.data.keep)));

async function keepAll(urls) {
  const cache = await caches.open(CACHE);
  const known = await Promise.all(urls.map((url) => cache.match(url)));
  await cache.addAll(urls.filter((_, i) => !known[i]));
}

async function install() {
  const cache = await caches.open(CACHE);
  // Past the HTTP cache: what is kept for offline should be whole, not a mix of two versions.
  await cache.addAll(SHELL.map((path) => new Request(path, { cache: "reload" })));
  await self.skipWaiting();
}

/** The network's answer, so that nobody is left with an old page; else the copy. */
async function answer(event) {
  // Without storage the network is all there is.
  const cache = await caches.open(CACHE).catch(() => undefined);
  const copy = await cache?.match(event.request, { ignoreSearch: true });
  const online = fetch(event.request).then((response) => keep(cache, event, response));
  if (!copy) return online;
  event.waitUntil(online.catch(() => {}));
  const late = new Promise((give) => setTimeout(give, PATIENCE_MS, copy));
  // A server's error is no reason to show nothing.
  return Promise.race([
    online.then(
      (response) => (response.ok ? response : copy),
      () => copy,
    ),
    late,
  ]).then((one) => one.clone());
}

async function keep(cache, event, response) {
  if (cache && response.ok && response.type === "basic" && !response.redirected)
    // A full disk is no reason to withhold what came.
    await cache.put(event.request, response.clone()).catch(() => {});
  return response;
}
