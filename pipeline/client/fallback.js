/** What is left to try once a tier failed: loaded only then. */

/** @typedef {import("./choose.js").Tier} Tier */

/** How often a backend that was asked for may lose its context, and is opened anew. */
const TIMES = 3;

/** @type {WeakMap<Tier, number>} */
const losses = new WeakMap();

/**
 * Without a tier that failed, and those that would fail with it; first another backend for its artifact.
 * @param {Tier} tier
 * @param {any} error
 * @param {Tier[]} tiers
 * @param {{backend?: string}} wish
 * @param {object[]} tried is told of it
 * @returns {Tier[]}
 */
export const without = (tier, { code = "failed", message, url = "" }, tiers, wish, tried) => {
  const { artifact, backend, parts } = tier;
  tried.push({ artifact: artifact.id, backend, code, message });
  const lost = (losses.get(tier) ?? 0) + +(code === "lost");
  losses.set(tier, lost);
  // A GPU that was reset works again, and nothing else may take its place.
  if (code === "lost" && wish.backend && lost <= TIMES) return tiers;
  tier.out = message || code;
  const runtime = code === "unavailable" || parts.some(({ path }) => url.endsWith(path));
  const other = (/** @type {Tier} */ one) => one.artifact !== artifact;
  return tiers
    .filter(
      (one) =>
        one.out ||
        (runtime ? one.backend !== backend : other(one) || (!url && one.backend !== backend)),
    )
    .sort((a, b) => +other(a) - +other(b));
};
