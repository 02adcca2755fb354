import type { Backend } from "./index.js";

export { LoadError, ModelError } from "./index.js";

/**
 * What a release holds, what of it this browser has kept, and what would run here. Neither its model nor
 * a runtime is loaded; of its code only its task's, which names the methods. Rejects as `load` does.
 */
export function inspect(url: string | URL, options?: InspectOptions): Promise<Inspection>;

/**
 * Deletes what this browser has kept: all that this page's origin has of published models, or what was
 * loaded by one URL and no other release that is kept needs. A model that is loaded goes on.
 */
export function clear(url?: string | URL): Promise<void>;

/** As of `load`. */
export interface InspectOptions {
  integrity?: string;
  signal?: AbortSignal;
  /** What is chosen from; default: what the release has. */
  artifact?: string;
  backend?: Backend;
  threads?: number;
}

export interface Inspection {
  name: string;
  /** Its digest. */
  release: string;
  task: string;
  license: string;
  description: string;
  /** When it was published, in ISO 8601. */
  created: string;
  /** Whether the network gave none, and this is the one that was loaded last; `warnings` says why. */
  offline: boolean;
  warnings: string[];
  /** What a loaded model can do, beside `predict`. */
  methods: string[];
  artifacts: (InspectedFiles & {
    id: string;
    format: "tfjs-graph" | "tfjs-layers" | "onnx";
    /** By the task's metric, where samples have truth. */
    accuracy: number | null;
  })[];
  /** Every artifact on every backend, the best for this device first. */
  tiers: Tier[];
  /** What `load` would open first, with the files of its runtime; null where nothing runs here. */
  chosen: (Tier & InspectedFiles) | null;
}

export interface Tier {
  artifact: string;
  backend: Backend;
  /** Of a run as measured on such hardware; null where nobody did. */
  ms: number | null;
  /** Why it cannot run here, or null. */
  out: string | null;
}

export interface InspectedFiles {
  files: {
    url: string;
    bytes: number;
    /** Bytes on the network, compressed by brotli. */
    transfer: number;
    cached: boolean;
  }[];
  /** Sums of `files`, of which `cached` counts the bytes that this browser has. */
  bytes: number;
  transfer: number;
  cached: number;
}
