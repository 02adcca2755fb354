// biome-ignore-all lint/style/useNamingConvention: these are names of a manifest
/** As options.py says; a manifest has all of them. */
export interface Part {
  output: string;
  columns: [number, number] | null;
  activation: "none" | "sigmoid";
}

export interface Boxes extends Part {
  order: "yxyx" | "xyxy" | "xywh" | "cxcywh" | "cycxhw" | "wh" | "hw" | "ltrb";
  scale: number | [number, number, number, number];
  exponential: boolean;
}

export interface Anchors {
  size: number | [number, number];
  strides: number[];
  aspect_ratios: number[];
  interpolated: number;
  scales: [number, number];
  offset: number;
  fixed_size: boolean;
  reduce_lowest: boolean;
}

export interface Options {
  boxes: Boxes;
  scores: Part;
  classes: (Part & { first: number }) | null;
  keypoints: Part | null;
  anchors: Anchors | null;
  centers: { offsets: Part | null; order: "xy" | "yx"; window: number } | null;
  nms: { kind: "plain" | "weighted"; iou: number; by_class: boolean; compat: boolean } | null;
  threshold: number;
  max: number;
  clip: boolean;
}
