/** What a loaded model of this task can do. */
import type { ImageInput, ImageRegion } from "../../inputs/image/value.js";

export type { ImageInput };

export default interface ImageClassification {
  /** The likeliest classes, best first; default: 5. */
  classify(image: ImageInput, options?: ClassifyOptions): Promise<Classification>;
}

export interface ClassifyOptions extends ImageRegion {
  top?: number;
  signal?: AbortSignal;
}

/** Best first; `artifact` is the one that answered, which a cascade decides anew for each image. */
export type Classification = ClassScore[] & { artifact: string };

export interface ClassScore {
  label: string;
  index: number;
  score: number;
}
