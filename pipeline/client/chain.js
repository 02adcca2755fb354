/**
 * A detector finds where to look, and the model looks there: for releases whose model reads one thing
 * close up. What it answered says where to look next, so that a video needs the detector only at its
 * start, and where a thing was lost. Loaded where such a release is.
 */
import { bitmapOf } from "./image.js";

/**
 * @typedef {import("./session.js").Hooks} Hooks
 * @typedef {import("./session.js").Release} Release
 * @typedef {import("./session.js").Session} Open
 * @typedef {import("./session.js").Tensors} Tensors
 * @typedef {import("./session.js").Wish} Wish
 *
 * @typedef {{x: number, y: number}} Point
 * @typedef {{x: number, y: number, width: number, height: number, angle: number}} Region a square in
 *   pixels of the image: its centre, its side, and how far it is turned, clockwise as seen, in radians
 * @typedef {{box?: Point & {width: number, height: number}, keypoints?: Point[], auxiliary?: Point[]}} Answer
 *
 * @typedef {Object} Around as pipeline/inputs/image/around.py says, whose twin this is
 * @property {[number, number] | null} [circle]
 * @property {[number, number] | null} [right]
 * @property {[number, number] | null} [up]
 * @property {number} scale
 * @property {[number, number]} shift
 *
 * @typedef {{found: Around, followed: Around, max: number}} Rule
 */

/** Squares that share more are of one thing. */
const SAME = 0.5;

/**
 * Where to look for what an answer is of.
 * @param {Answer} answer
 * @param {Around} how
 * @returns {Region} of no size where the answer has no extent
 */
export function regionOf({ box, keypoints = [], auxiliary = [] }, how) {
  const points = [...keypoints, ...auxiliary];
  let { x, y, width, height } = how.circle
    ? circle(points, how.circle)
    : (box ?? around(keypoints));
  [x, y] = [x + width / 2, y + height / 2];
  const angle = turnOf(points, how);
  const [right, down] = [how.shift[0] * width, how.shift[1] * height];
  x += right * Math.cos(angle) - down * Math.sin(angle);
  y += right * Math.sin(angle) + down * Math.cos(angle);
  const side = Math.max(width, height) * how.scale;
  return { x, y, width: side, height: side, angle };
}

/** @param {Point[]} points @param {[number, number]} pair its middle, and a point on it */
function circle(points, [middle, edge]) {
  const { x, y } = points[middle];
  const reach = Math.hypot(points[edge].x - x, points[edge].y - y);
  return { x: x - reach, y: y - reach, width: 2 * reach, height: 2 * reach };
}

/** @param {Point[]} points */
function around(points) {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** @param {Point[]} points @param {Around} how */
function turnOf(points, { right, up }) {
  const pair = right ?? up;
  if (!pair) return 0;
  const [start, end] = pair.map((number) => points[number]);
  const angle = Math.atan2(end.y - start.y, end.x - start.x) + (right ? 0 : Math.PI / 2);
  return angle > Math.PI ? angle - 2 * Math.PI : angle;
}

/**
 * Intersection over union of two squares as if they were upright.
 * @param {Region} a
 * @param {Region} b
 */
function shared(a, b) {
  const reach = (a.width + b.width) / 2;
  const [across, down] = [a.x - b.x, a.y - b.y].map((apart) =>
    Math.max(0, Math.min(reach - Math.abs(apart), a.width, b.width)),
  );
  return (across * down) / (a.width ** 2 + b.width ** 2 - across * down);
}

/**
 * Those that are known, then those of what is found that are of other things.
 * @param {Region[]} known
 * @param {Region[]} found
 * @param {number} most
 */
export function chooseRegions(known, found, most) {
  const regions = known.filter(({ width }) => width > 0);
  for (const region of found) {
    if (region.width > 0 && regions.every((other) => !(shared(region, other) > SAME)))
      regions.push(region);
  }
  return regions.slice(0, most);
}

/**
 * What is at the known regions; the detector is asked where there may be more.
 * @template {Answer} A
 * @param {Rule} rule
 * @param {() => Promise<Answer[]>} detect
 * @param {(region: Region) => Promise<A[]>} read
 * @param {Region[]} [known]
 * @returns {Promise<(A & {region: Region})[]>} each with where to look for it next
 */
export async function look({ found, followed, max }, detect, read, known = []) {
  let regions = chooseRegions(known, [], max);
  if (regions.length < max) {
    const all = (await detect()).map((answer) => regionOf(answer, found));
    regions = chooseRegions(regions, all, max);
  }
  const answers = [];
  for (const region of regions) {
    for (const answer of await read(region))
      answers.push({ ...answer, region: regionOf(answer, followed) });
  }
  return answers;
}

/** @param {any} image @returns {Promise<any>} what is read several times */
export const held = async (image) =>
  image?.data ? image : { held: image?.close ? image : await bitmapOf(image) };

/**
 * @param {typeof import("./session.js").Session} Session the client's own, of which this has no copy
 */
export const chained = (Session) =>
  /** To who calls it, a session. */ class {
    #model;
    #detector;
    #release;

    /**
     * @param {Release} release
     * @param {Wish} wish
     */
    constructor(release, wish) {
      this.#release = release;
      this.#model = new Session(release, wish);
      const { region } = /** @type {any} */ (release.manifest);
      const found = { ...release, manifest: region.detector };
      this.#detector = new Session(found, { ...wish, artifact: undefined });
    }

    get info() {
      const [{ info }, { info: other }] = [this.#model, this.#detector];
      const { name, artifact, backend } = other;
      return {
        ...info,
        tried: [...info.tried, ...other.tried],
        warnings: [...info.warnings, ...other.warnings],
        detector: { name, artifact, backend },
        bytes: total([info.bytes, other.bytes]),
      };
    }

    /** @param {Hooks} hooks */
    async open({ signal, onProgress }) {
      /** @type {any[]} */
      const told = [];
      const hooks = [0, 1].map((i) => ({
        signal,
        onProgress: (/** @type {any} */ progress) => {
          told[i] = progress;
          if (told[0] && told[1])
            onProgress?.({ ...total(told), files: told.flatMap(({ files }) => files) });
        },
      }));
      await Promise.all([this.#detector.open(hooks[1]), this.#model.open(hooks[0])]);
    }

    /**
     * @param {Hooks} hooks
     * @param {string} method of the release's code
     * @param {any} value of the page's
     * @param {any} options the method's; `regions`: where to look; `region` and `rotation`: the part of the image
     *   that counts at all
     * @returns {Promise<[any, string]>} the answer, and the artifact that gave it
     */
    async ask(hooks, method, value, { regions, region, rotation, base, ...options }) {
      const { region: rule } = /** @type {any} */ (this.#release.manifest);
      const [detect] = this.#detector.info.methods;
      const { pictureAt } = this.#model.code;
      const image = await held(
        typeof value === "string" ? await pictureAt(value, base, hooks.signal) : value,
      );
      const { width, height } = image.held ?? image;
      const ask = async (
        /** @type {Open} */ session,
        /** @type {string} */ named,
        /** @type {any} */ asked,
      ) => (await session.ask(hooks, named, image, asked))[0];
      try {
        const answers = await look(
          rule,
          () => ask(this.#detector, detect, { max: rule.max, region, rotation }),
          (square) => ask(this.#model, method, { ...options, region: square }),
          regions,
        );
        return [Object.assign(answers, { image: { width, height } }), this.#model.info.artifact];
      } finally {
        image.held?.close();
      }
    }

    /**
     * @param {Hooks} hooks
     * @param {Tensors} feeds
     */
    predict(hooks, feeds) {
      return this.#model.predict(hooks, feeds);
    }

    /** @param {Hooks} hooks */
    memory(hooks) {
      return this.#model.memory(hooks);
    }

    async dispose() {
      await Promise.all([this.#model.dispose(), this.#detector.dispose()]);
    }
  };

/** @param {any[]} all with numbers of bytes by name @returns {any} their sums */
const total = (all) =>
  Object.fromEntries(
    Object.keys(all[0] ?? {})
      .filter((name) => name !== "files")
      .map((name) => [name, all.reduce((sum, one) => sum + (one?.[name] ?? 0), 0)]),
  );
