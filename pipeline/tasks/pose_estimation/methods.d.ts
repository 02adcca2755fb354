/** What a loaded model of this task can do. */
import type { ImageInput, ImageRegion, OfImage, Square } from "../../inputs/image/value.js";

export default interface PoseEstimation {
  /** Poses of bodies, in pixels of the image, the surest first. */
  pose(image: ImageInput, options?: PoseOptions): Promise<Poses>;
}

export interface PoseOptions extends ImageRegion {
  /** The lowest score of a pose, 0 to 1; default: the release's. */
  threshold?: number;
  /** The most poses, of those that the release looks for. */
  max?: number;
  signal?: AbortSignal;
}

/** The surest first; `artifact` is the one that answered. */
export type Poses = Pose[] & OfImage;

export interface Pose {
  score: number;
  /** In pixels of the image; they may lie beyond it. */
  keypoints: PosePoint[];
  /** Pairs of keypoints that a line joins: `drawPoints(context, pose.keypoints, pose)`. */
  connections: [number, number][];
  /** In metres, from the middle of the hips, where the model tells it. */
  keypoints3D?: { x: number; y: number; z: number; name: string }[];
  /** Where the body is: the middle of the hips, and a point of a circle around it, where the model tells such. */
  auxiliary?: { x: number; y: number }[];
  /** Of a release with a detector: where to look for it in the next picture. */
  region?: Square;
}

export interface PosePoint {
  x: number;
  y: number;
  /** As x, from the middle of the hips; smaller is nearer. */
  z?: number;
  /** How sure it is, or that it can be seen. */
  score?: number;
  /** How sure it is in the picture. */
  presence?: number;
  name: string;
}
