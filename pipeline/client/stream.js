/** Answers of a video: of its newest frame, each time the one before is answered. */
import { smoothed } from "./smooth.js";
import { boxOf, tracked } from "./track.js";
import { unlessAborted } from "./transport.js";

/** @typedef {import("./index.js").StreamOptions} Options */
/** @typedef {typeof import("./errors.js").ModelError} ModelError */

/**
 * Never is more than one frame on its way to the model: those that come meanwhile are dropped. It
 * ends with the video; in a hidden tab, where browsers show no frames, it waits.
 *
 * @param {any} model
 * @param {ModelError} ModelError the client's own, of which this has no copy
 * @param {HTMLVideoElement | MediaStream} source
 * @param {Options & Record<string, any>} [options] others than its own are the method's
 * @returns {AsyncGenerator<import("./index.js").StreamFrame<any>>}
 */
export async function* stream(
  model,
  ModelError,
  source,
  { method, track = false, smooth = false, signal, ...options } = {},
) {
  const { methods } = model.info;
  const ask = method ?? methods[0];
  if (!methods.includes(ask)) {
    const there = methods.join(", ") || "none: it takes tensors";
    throw new ModelError("input", `this model has no method ${ask}; there is ${there}`);
  }
  const video = await playing(source, ModelError);
  const follow = followed(track, smooth);
  const frames = new Frames(video);
  /** @type {unknown[]} where the last frame's answers say to look */
  let regions = [];
  try {
    for (;;) {
      signal?.throwIfAborted();
      const frame = await unlessAborted(frames.next(), signal);
      if (!frame) return;
      const { timestamp, dropped } = frame;
      const result = await model[ask](video, { ...options, regions, signal });
      regions = [result].flat().flatMap((answer) => answer?.region ?? []);
      yield { result: follow(result, timestamp), timestamp, dropped };
    }
  } finally {
    frames.end();
    if (video !== source) video.srcObject = null;
  }
}

/**
 * @param {Options["track"]} track
 * @param {Options["smooth"]} smooth
 * @returns {(result: any, timestamp: number) => any} what lies at places is followed; all else stays
 */
function followed(track, smooth) {
  if (!track && !smooth) return (result) => result;
  const follow = tracked(track ?? true);
  const calm = smooth ? smoothed(smooth) : (/** @type {any} */ answers) => answers;
  return (result, timestamp) => {
    if (!Array.isArray(result) || !result.every(boxOf)) return result;
    const { artifact, image } = /** @type {any} */ (result);
    return Object.assign(calm(follow(result), timestamp), { artifact, image });
  };
}

/**
 * A video that plays what a camera gives, or the one that the page has.
 * @param {any} source
 * @param {ModelError} ModelError
 * @returns {Promise<HTMLVideoElement>}
 */
async function playing(source, ModelError) {
  if (source?.videoWidth != null) return source;
  if (!source?.getVideoTracks) {
    throw new ModelError("input", "a stream takes a video element, or the MediaStream of a camera");
  }
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, srcObject: source });
  await video.play();
  return video;
}

/** The frames of a video, as they are shown. */
class Frames {
  #video;
  /** Of the frame that was given last: how many were shown up to it, and when it is in the video. */
  #shown = 0;
  #time = -1;
  #stop = new AbortController();

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  /**
   * The newest frame, once it is another than the last; nothing where the video has ended.
   * @returns {Promise<{timestamp: number, dropped: number} | undefined>}
   */
  async next() {
    const video = this.#video;
    const { signal } = this.#stop;
    // What a video that does not play shows is a frame too.
    if (this.#time < 0 && video.readyState > 1) {
      this.#time = video.currentTime;
      return { timestamp: 1000 * this.#time, dropped: 0 };
    }
    while (!signal.aborted) {
      const frame = await this.#shownFrame();
      if (!frame) return undefined;
      const { mediaTime, presentedFrames } = frame;
      // A callback may tell of the same frame again; a video that is sought goes back.
      if (mediaTime === this.#time && presentedFrames === this.#shown) continue;
      const missed = this.#shown ? presentedFrames - this.#shown - 1 : 0;
      [this.#shown, this.#time] = [presentedFrames, mediaTime];
      if (video.videoWidth) return { timestamp: 1000 * mediaTime, dropped: Math.max(0, missed) };
    }
    return undefined;
  }

  end() {
    this.#stop.abort();
  }

  /** @returns {Promise<{mediaTime: number, presentedFrames: number} | null>} none where it has ended */
  #shownFrame() {
    const video = this.#video;
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      if (video.ended || signal.aborted) return resolve(null);
      const done = (/** @type {any} */ frame) => {
        video.removeEventListener("ended", ended);
        signal.removeEventListener("abort", ended);
        cancel();
        resolve(frame);
      };
      const ended = () => done(null);
      video.addEventListener("ended", ended);
      signal.addEventListener("abort", ended);
      const cancel = onFrame(video, this.#shown, done);
    });
  }
}

/**
 * Calls back with the next frame that is shown.
 * @param {any} video
 * @param {number} shown how many were, where the browser does not count
 * @param {(frame: {mediaTime: number, presentedFrames: number}) => void} done
 * @returns {() => void} which takes it back
 */
function onFrame(video, shown, done) {
  if (video.requestVideoFrameCallback) {
    const id = video.requestVideoFrameCallback((/** @type {any} */ _, /** @type {any} */ frame) =>
      done(frame),
    );
    return () => video.cancelVideoFrameCallback(id);
  }
  // Firefox before 132: whatever is shown when the page is painted, where time has moved on.
  const id = requestAnimationFrame(() =>
    done({ mediaTime: video.currentTime, presentedFrames: shown + 1 }),
  );
  return () => cancelAnimationFrame(id);
}
