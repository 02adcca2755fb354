import type { Backend, LoadErrorCode, load, ModelErrorCode, ModelInfo } from "./index.js";

/**
 * `load`, with a listener that is told what happens, for telemetry. Whoever does not ask for it fetches
 * none of its code. What the listener throws is reported to the page, and stops nothing.
 *
 *     const model = await observed(load, (event) => send(event))(url, options);
 */
export function observed<L extends typeof load>(load: L, onEvent: (event: ModelEvent) => void): L;

/** Times are milliseconds; `atMs` counts from the call of `load`. */
export type ModelEvent =
  | DownloadEvent
  | ChosenEvent
  | FallbackEvent
  | FirstAnswerEvent
  | ErrorEvent;

/** A file of the release is there, and is what was published. */
export interface DownloadEvent {
  type: "download";
  url: string;
  /** After decompression. */
  bytes: number;
  /** Whether this browser had it. */
  cached: boolean;
  /** From its first bytes to its last. */
  ms: number;
  atMs: number;
}

/** What runs: after `load`, and whenever another artifact or backend takes over. */
export interface ChosenEvent {
  type: "chosen";
  name: string;
  release: string;
  artifact: string;
  backend: Backend;
  thread: "worker" | "page";
  /** In words. */
  why: string[];
  atMs: number;
}

/** An artifact on a backend did not work here, and the next was tried. */
export type FallbackEvent = { type: "fallback" } & ModelInfo["tried"][number];

/** The first answer that a model gave. */
export interface FirstAnswerEvent {
  type: "first-answer";
  /** Which of its methods, or `predict`. */
  method: string;
  /** Of the call, with waiting for those before it. */
  ms: number;
  atMs: number;
}

/** `load` or a call rejected, for another reason than its own signal. */
export interface ErrorEvent {
  type: "error";
  /** `load`, or the method. */
  during: string;
  code: ModelErrorCode | LoadErrorCode;
  message: string;
  /** Of HTTP. */
  status?: number;
}
