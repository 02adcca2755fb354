/** What tabs of this page tell each other: which release each shows, and that a head was saved. */

/** @typedef {{ what: "release", url: string, release: string, created: string } | { what: "head", model: string }} News */

const channel = "BroadcastChannel" in self ? new BroadcastChannel("model-demo") : null;

/** @param {News} news to the other tabs */
export const tell = (news) => channel?.postMessage(news);

/** @param {(news: News) => void} heard of the other tabs' news */
export const hear = (heard) => channel?.addEventListener("message", ({ data }) => heard(data));
