// biome-ignore-all lint/style/useNamingConvention: these are names of a manifest
/** As options.py says; a manifest has all of them. */
import type { Part } from "../part.js";
import type { Points } from "../points.js";

export interface Heatmaps {
  scores: Part;
  offsets: Part;
  forward: Part | null;
  backward: Part | null;
  stride: number;
  least: number;
  radius: number;
}

export interface Refinement extends Part {
  window: number;
  least: number;
}

export interface Options {
  skeleton: "coco" | "blazepose";
  points: Points | null;
  heatmaps: Heatmaps | null;
  score: Part | null;
  refine: Refinement | null;
  world: Part | null;
  seen: number;
  threshold: number;
  max: number;
}
