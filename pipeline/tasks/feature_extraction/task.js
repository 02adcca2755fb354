/** Embeddings of images and texts: the twin of answers.py. */

/** @typedef {Record<string, {data: ArrayLike<number>, shape: number[]}>} Outputs of one sample */
/** @typedef {Record<string, {origin?: {tokens?: number}}>} Feeds */

/** What a loaded model can do: of its outputs, or those of several samples, the manifest, and what it was fed. */
export const methods = {
  embed: (
    /** @type {Outputs | Outputs[]} */ outputs,
    /** @type {any} */ manifest,
    /** @type {unknown} */ _,
    /** @type {Feeds | Feeds[]} */ feeds,
  ) =>
    Array.isArray(outputs)
      ? outputs.map((one, index) => embeddingOf(one, manifest, [feeds].flat()[index]))
      : embeddingOf(outputs, manifest, [feeds].flat()[0]),
};

/**
 * @param {Outputs} outputs
 * @param {any} manifest
 * @param {Feeds} feeds
 */
export function embeddingOf(outputs, { task_options: { output, pool, normalize } }, feeds) {
  const { data, shape } = outputs[output ?? Object.keys(outputs)[0]];
  const size = /** @type {number} */ (shape.at(-1));
  const rows = data.length / size;
  const tokens = Object.values(feeds).find(({ origin }) => origin?.tokens)?.origin?.tokens;
  const count = pool === "mean" ? Math.min(tokens ?? rows, rows) : 1;
  const sums = new Float64Array(size);
  for (let row = 0; row < count; row++)
    for (let column = 0; column < size; column++) sums[column] += data[row * size + column];
  const length = Math.sqrt(sums.reduce((sum, value) => sum + (value / count) ** 2, 0));
  const divisor = count * ((normalize && length) || 1);
  return Float32Array.from(sums, (value) => value / divisor);
}
