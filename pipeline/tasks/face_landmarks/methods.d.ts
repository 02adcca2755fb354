/** What a loaded model of this task can do. */
import type { ImageInput, ImageRegion, OfImage, Square } from "../../inputs/image/value.js";

export default interface FaceLandmarks {
  /** The face that the image shows close, or none, in pixels of the image. */
  face(image: ImageInput, options?: FaceOptions): Promise<Faces>;
}

export interface FaceOptions extends ImageRegion {
  /** The lowest score of a face, 0 to 1; default: the release's. */
  threshold?: number;
  signal?: AbortSignal;
}

/** `artifact` is the one that answered. */
export type Faces = Face[] & OfImage;

export interface Face {
  score: number;
  /** 468 points, 478 with the irises, in pixels of the image; z as x, smaller is nearer. */
  keypoints: { x: number; y: number; z?: number }[];
  /** Pairs of keypoints that a line joins, by what they are; sides are the person's. */
  contours: Record<string, [number, number][]>;
  /** Of a release with a detector: where to look for it in the next picture. */
  region?: Square;
}
