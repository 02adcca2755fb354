import type { ImageInput } from "../../inputs/image/value.js";

export default interface LargestClass {
  largest(image: ImageInput, options?: { times?: number; signal?: AbortSignal }): Promise<Largest>;
}

export interface Largest {
  index: number;
  of: string;
  lead: number;
  shape: number[];
  /** Where it stands, in pixels of the image. */
  x: number;
  artifact: string;
}
