/** What a loaded model of this task can do. */
import type { ImageInput, ImageRegion } from "../../inputs/image/value.js";
import type { TextInput } from "../../inputs/text/value.js";

export default interface FeatureExtraction {
  /** The embedding of an image, or of a text: near those of what is like it. */
  embed(value: ImageInput | TextInput, options?: EmbedOptions): Promise<Embedding>;
  /** The same of several texts, one after another. */
  embed(texts: TextInput[], options?: EmbedOptions): Promise<Float32Array[] & { artifact: string }>;
}

export interface EmbedOptions extends ImageRegion {
  signal?: AbortSignal;
}

/** Of length 1, unless the config says otherwise: the product of two is the cosine of their angle. */
export type Embedding = Float32Array & { artifact: string };
