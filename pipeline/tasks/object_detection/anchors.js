/** Anchors of a single-shot detector: the twin of anchors.py, which says whose rules these are. */

/** @typedef {import("./options.js").Anchors} Anchors */
/** @typedef {[number, number, number, number]} Anchor centre x, centre y, width and height: shares of the input */

/** @param {Anchors} options @returns {Anchor[]} */
export function makeAnchors(options) {
  const [height, width] = [options.size, options.size].flat();
  /** @type {Anchor[]} */
  const anchors = [];
  const { strides, offset } = options;
  for (let layer = 0, next = 0; layer < strides.length; layer = next) {
    const sizes = [];
    while (strides[next] === strides[layer]) sizes.push(...sizesOf(options, next++));
    const down = Math.ceil(height / strides[layer]);
    const across = Math.ceil(width / strides[layer]);
    for (let y = 0; y < down; y++)
      for (let x = 0; x < across; x++)
        for (const [wide, tall] of sizes)
          anchors.push([(x + offset) / across, (y + offset) / down, wide, tall]);
  }
  return anchors;
}

/**
 * @param {Anchors} options
 * @param {number} layer
 * @returns {[number, number][]} width and height of each anchor at a place
 */
function sizesOf(options, layer) {
  const { aspect_ratios, interpolated, fixed_size, reduce_lowest } = options;
  const scale = scaleOf(options, layer);
  const lowest = layer === 0 && reduce_lowest;
  const pairs = lowest
    ? [
        [1, 0.1],
        [2, scale],
        [0.5, scale],
      ]
    : aspect_ratios.map((ratio) => [ratio, scale]);
  if (!lowest && interpolated > 0)
    pairs.push([interpolated, Math.sqrt(scale * scaleOf(options, layer + 1))]);
  return pairs.map(([ratio, size]) =>
    fixed_size ? [1, 1] : [size * Math.sqrt(ratio), size / Math.sqrt(ratio)],
  );
}

/** @param {Anchors} options @param {number} layer */
function scaleOf({ scales: [first, last], strides: { length } }, layer) {
  if (layer === length) return 1;
  return length === 1 ? (first + last) / 2 : first + ((last - first) * layer) / (length - 1);
}
