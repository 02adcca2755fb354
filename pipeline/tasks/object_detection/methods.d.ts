/** What a loaded model of this task can do. */
import type { ImageInput, ImageRegion, OfImage } from "../../inputs/image/value.js";

export type { ImageInput };

export default interface ObjectDetection {
  /** Objects with their boxes, in pixels of the image, the surest first. */
  detect(image: ImageInput, options?: DetectOptions): Promise<Detection>;
}

export interface DetectOptions extends ImageRegion {
  /** The lowest score, 0 to 1; default: the release's. */
  threshold?: number;
  /** Boxes that overlap by more are of one object, 0 to 1; default: the release's. */
  iou?: number;
  /** The most objects; default: the release's. */
  max?: number;
  /** Labels of which objects are wanted; default: all. */
  allow?: string[];
  signal?: AbortSignal;
}

/** The surest first; `artifact` is the one that answered. */
export type Detection = DetectedObject[] & OfImage;

export interface DetectedObject {
  label: string;
  index: number;
  score: number;
  /** In pixels of the image; it may reach beyond it. */
  box: { x: number; y: number; width: number; height: number };
  /** In pixels of the image, where the model tells any. */
  keypoints?: { x: number; y: number }[];
}
