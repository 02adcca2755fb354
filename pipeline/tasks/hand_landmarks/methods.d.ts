/** What a loaded model of this task can do. */
import type { ImageInput, ImageRegion, OfImage, Square } from "../../inputs/image/value.js";

export default interface HandLandmarks {
  /** The hand that the image shows close, or none, in pixels of the image. */
  hands(image: ImageInput, options?: HandOptions): Promise<Hands>;
}

export interface HandOptions extends ImageRegion {
  /** The lowest score of a hand, 0 to 1; default: the release's. */
  threshold?: number;
  signal?: AbortSignal;
}

/** `artifact` is the one that answered. */
export type Hands = Hand[] & OfImage;

export interface Hand {
  score: number;
  /** 21 points, in pixels of the image; z as x, smaller is nearer. */
  keypoints: { x: number; y: number; z?: number; name: string }[];
  /** Pairs of keypoints that a line joins: `drawPoints(context, hand.keypoints, hand)`. */
  connections: [number, number][];
  handedness?: { label: "left" | "right"; score: number };
  /** In metres, from the middle of the hand. */
  keypoints3D?: { x: number; y: number; z: number; name: string }[];
  /** Of a release with a detector: where to look for it in the next picture. */
  region?: Square;
}
