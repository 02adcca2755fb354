import type {
  load,
  Model,
  ModelError,
  ModelInfo,
  PageManifest,
  ReleaseManifest,
  Tasks,
  Tensors,
} from "./index.js";

export { LoadError, ModelError } from "./index.js";

/**
 * A model whose answers are given, for tests of what uses it: it behaves as a loaded one does (order of calls,
 * copies, signals, disposal, errors), in Node too.
 *
 *     const model = fakeModel({ answers: { classify: [{ label: "cat", index: 0, score: 1 }] } });
 */
export function fakeModel<T extends keyof Tasks = keyof Tasks>(options?: FakeOptions<T>): Model<T>;

/**
 * A `load` that finds these models by their URLs; any other URL is a `LoadError` with the status 404, and a URL
 * with an error rejects with that.
 */
export function fakeLoad(models: Record<string, FakeOptions | ModelError>): typeof load;

export interface FakeOptions<T extends keyof Tasks = keyof Tasks> {
  /** A published `page.json` or `manifest.json`: says what the model is called, and which tensors `predict` takes. */
  manifest?: PageManifest | ReleaseManifest;
  /**
   * By method, which the model then has: what it answers each time, an error that it rejects with, or what
   * answers a value and its options. Options such as `threshold` change nothing of an answer that is given.
   */
  answers?: Answers<Tasks[T]> & { predict?: Given<(tensors: Tensors) => Promise<Tensors>> };
  /** What else `model.info` is to say. */
  info?: Partial<ModelInfo>;
}

/** Of several tasks, the methods of one. */
type Answers<U> = U extends unknown ? { [M in keyof U]?: Given<U[M]> } : never;

type Given<F> = Bare<Answered<F>> | Error | ((value: never, options: never) => unknown);

/** What a method answers, also one with two signatures. */
type Answered<F> = F extends {
  (...all: never[]): Promise<infer A>;
  (...all: never[]): Promise<infer B>;
}
  ? A | B
  : never;

/** Without what every answer is given. */
type Bare<A> = A extends readonly (infer E)[] ? E[] : Omit<A, "artifact">;
