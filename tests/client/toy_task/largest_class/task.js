/** A toy task: which output is the largest, and by how much of the second. */

export const methods = {
  largest: (
    /** @type {Record<string, {data: Float32Array}>} */ outputs,
    /** @type {any} */ manifest,
    /** @type {{times?: number}} */ { times = 1 },
    /** @type {Record<string, {shape: number[], origin: {scale: number[]}}>} */ feeds,
  ) => {
    const [name] = Object.keys(outputs);
    const among = outputs[name].data.slice(0, manifest.task_options.among);
    const order = Array.from(among, (value, index) => ({ value, index }));
    const [{ index, value }, second] = order.sort((a, b) => b.value - a.value);
    const [{ shape, origin }] = Object.values(feeds);
    const x = (index * 1000) / origin.scale[1];
    return { index, of: manifest.name, lead: (value - second.value) * times, shape, x };
  },
};
