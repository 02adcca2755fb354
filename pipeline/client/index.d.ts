/// <reference lib="esnext.disposable" />
/**
 * Loads a published model by its URL and runs it where this device runs it best.
 *
 *     import { load } from "https://cdn.example/client/index.js";
 *     const model = await load("https://cdn.example/mobilenet/latest.json");
 *     const top = await model.classify(document.querySelector("img")!, { top: 5 });
 */
import type { ReleaseManifest } from "./manifest.js";
import type { PageManifest } from "./page.js";
import type { Tasks } from "./tasks/index.js";

export type * from "./tasks/index.js";
export type { PageManifest, ReleaseManifest };

/**
 * Fetches, verifies and opens a model; rejects with a `ModelError`, or with a signal's reason.
 * `load<"TASK">(url)` names the release's task, and so the methods that the model gets. Without, it
 * is typed as having those of every task: `info.methods` lists the ones that are there.
 */
export function load<T extends keyof Tasks = keyof Tasks>(
  url: string | URL,
  options?: LoadOptions,
): Promise<Model<T>>;

export interface LoadOptions {
  /** Which artifact to use, such as `tfjs-graph/uint8`; default: the best for this device. */
  artifact?: string;
  /** Where to run it; default: where this device runs it best. */
  backend?: Backend;
  /**
   * Pins the release: `sha256-` and the base64 of its manifest's digest, as for scripts. The manifest
   * names every other file by its digest, so nothing else can run. With a channel's URL, the channel
   * has to name that release. What differs rejects with the code `integrity`.
   */
  integrity?: string;
  /** Called as bytes arrive. */
  onProgress?: (progress: Progress) => void;
  /** Ends loading; `load` then rejects with the signal's reason, an `AbortError`. */
  signal?: AbortSignal;
  /** Answer with the release's small artifact, and ask the large one where it is not sure. */
  cascade?: boolean;
  /**
   * Run in a worker, so that the page keeps painting; default: true. Or what starts one, a new one at
   * each call, of `model-pipeline-client/worker`, where a bundler cannot find it by itself.
   */
  worker?: boolean | (() => Worker | Promise<Worker>);
  /**
   * Of WebAssembly, in pages that are cross-origin isolated: so many, whatever the cores. Default: half of the
   * cores, at most 4, and in Firefox 1, where TF.js' threads were seen to hang on a busy machine.
   */
  threads?: number;
}

export type Backend = "tfjs-wasm" | "tfjs-webgl" | "tfjs-webgpu" | "ort-wasm" | "ort-webgpu";

export interface Progress {
  /** Bytes so far, after decompression, of all files; its share of `total` never falls, and ends at 1. */
  loaded: number;
  total: number;
  /** Of `loaded`, what came from the network, and from this browser's cache. */
  fetched: number;
  cached: number;
  files: FileProgress[];
}

export interface FileProgress {
  url: string;
  loaded: number;
  total: number;
  /** Whether it came from this browser's cache. */
  cached: boolean;
}

/** What every model can do, and what the code of its task adds. */
export type Model<T extends keyof Tasks = keyof Tasks> = AnyModel & All<Tasks[T]> & Streaming<T>;

export interface Streaming<T extends keyof Tasks = keyof Tasks> {
  /**
   * Answers a video's frames, or a camera's: always the newest one, once the last is answered, so that
   * never more than one is on its way. Ends with the video; rejects with the signal's reason.
   *
   *     for await (const { result } of model.stream(video, { track: true, smooth: true, signal })) draw(result);
   */
  stream<M extends MethodOf<Tasks[T]> = MethodOf<Tasks[T]>>(
    source: HTMLVideoElement | MediaStream,
    options?: StreamOptions & { method?: M } & Record<string, unknown>,
  ): AsyncGenerator<StreamFrame<AnswerOf<Tasks[T], M>>>;
}

/** Of several tasks, those of each. */
type MethodOf<U> = U extends unknown ? keyof U : never;
type AnswerOf<U, M> = U extends unknown
  ? { [K in keyof U & M]: U[K] extends (...all: never[]) => Promise<infer A> ? A : never }[keyof U &
      M]
  : never;

/** Beside these, the options of the method. */
export interface StreamOptions {
  /** Which of the model's methods answers; default: its first. */
  method?: PropertyKey;
  /**
   * Give what lies at a place an `id`, the same from frame to frame: the box that overlaps most, of
   * the same label. `overlap`: the least intersection over union, 0.3; `patience`: for how many
   * frames what is not seen keeps its place, 15.
   */
  track?: boolean | { overlap?: number; patience?: number };
  /**
   * Take the trembling out of boxes and points, by the One Euro filter; tracks too. `cutoff` in Hz,
   * 1.5: lower is calmer; `beta`, 4: higher follows what is fast more closely.
   */
  smooth?: boolean | { cutoff?: number; beta?: number };
  signal?: AbortSignal;
}

export interface StreamFrame<A> {
  /** What the method answers; with `track` or `smooth`, each has an `id`. */
  result: A;
  /** Of the frame in the video, in milliseconds. */
  timestamp: number;
  /** Frames that came since the one before, and were not answered. */
  dropped: number;
}

/** Of several, all at once. */
type All<U> = (U extends unknown ? (all: U) => void : never) extends (all: infer I) => void
  ? I
  : never;

export interface AnyModel {
  /** What runs where, and why. */
  readonly info: ModelInfo;
  /** Runs the model on tensors by input name; gives tensors by output name. */
  predict(tensors: Tensors, options?: { signal?: AbortSignal }): Promise<Tensors>;
  /** What the runtime holds now; null where it does not tell. */
  memory(): Promise<{ tensors: number | null; bytes: number | null }>;
  /** Frees the model, its runtime and its worker; so does the end of a block: `await using model = await load(url)`. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
  /** The same for `using`, which does not wait until all is freed. */
  [Symbol.dispose](): void;
}

export type Tensors = Record<string, Tensor>;

export interface Tensor {
  dtype: string;
  shape: number[];
  /** Row-major. */
  data: TensorData;
}

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | BigInt64Array
  | string[];

export interface ModelInfo {
  name: string;
  release: string;
  artifact: string;
  backend: Backend;
  thread: "worker" | "page";
  /** What the code of its task adds to the model, such as `classify`; none where it takes tensors only. */
  methods: string[];
  /** Why this artifact on this backend, in words. */
  why: string[];
  /** What did not work here before. */
  tried: { artifact: string; backend: string; code: string; message: string }[];
  /** What runs it, as the runtime tells. */
  hardware: Record<string, unknown>;
  /** After decompression. */
  bytes: { fetched: number; cached: number; total: number };
  /** Whether the network gave no release, and this is the one that was loaded last; `warnings` says why. */
  offline: boolean;
  loadMs: number;
  /** What went wrong and did not end it: no worker could start, code ran unchecked, a full cache. */
  warnings: string[];
  /** What finds where the model looks, in releases that have such. */
  detector?: { name: string; artifact: string; backend: Backend };
  cascade: null | {
    small: string;
    large: string;
    threshold: number;
    backend: string | null;
    answered: { small: number; large: number };
  };
}

/**
 * `input`: what was given does not fit: the message names it, what is right, and what there is;
 * `nothing`: no artifact runs here, `tried` lists why; `disposed`: the model was disposed of; `lost`: the
 * worker broke down; `failed`: the runtime failed, with its own words; `environment`: this is no browser.
 */
export type ModelErrorCode = "input" | "nothing" | "disposed" | "lost" | "failed" | "environment";

/**
 * `http`: the server refused, see `status`; `network`: the connection broke, or the server lets no
 * other origin read; `offline`: there is no network; `integrity`: the bytes are not the published or
 * the pinned ones; `format`: this is no release, or the host answered with an HTML page in place of a
 * file; `insecure`: the page has no https.
 */
export type LoadErrorCode = "http" | "network" | "offline" | "integrity" | "format" | "insecure";

/** All that `load` and a model's methods throw, but for the reason of a signal that was aborted. */
export class ModelError extends Error {
  constructor(code: ModelErrorCode | LoadErrorCode, message: string, details?: object);
  readonly name: "ModelError" | "LoadError";
  readonly code: ModelErrorCode | LoadErrorCode;
  /** With `nothing`: what was tried. */
  readonly tried?: ModelInfo["tried"];
}

/** Why files did not come. */
export class LoadError extends ModelError {
  constructor(
    code: LoadErrorCode,
    message: string,
    details?: { url?: string; status?: number; retryAfterMs?: number; cause?: unknown },
  );
  readonly name: "LoadError";
  readonly code: LoadErrorCode;
  readonly url?: string;
  /** Of HTTP. */
  readonly status?: number;
  /** What the server asked for with Retry-After. */
  readonly retryAfterMs?: number;
}
