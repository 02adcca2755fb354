/** What a loaded model of this task can do. */
import type { TextInput } from "../../inputs/text/value.js";

export type { TextInput };

export default interface TextClassification {
  /** All labels, the likeliest first, of one text. */
  classify(text: TextInput, options?: LabelOptions): Promise<TextLabels>;
  /** The same of several texts, one after another. */
  classify(
    texts: TextInput[],
    options?: LabelOptions,
  ): Promise<TextLabel[][] & { artifact: string }>;
}

export interface LabelOptions {
  /** From 0.5 on: a label matches at this probability; default: the config's. */
  threshold?: number;
  signal?: AbortSignal;
}

export type TextLabels = TextLabel[] & { artifact: string };

export interface TextLabel {
  label: string;
  index: number;
  /** A probability. */
  score: number;
  /** Whether the text has the label; null where neither that nor the opposite reaches the threshold. */
  match: boolean | null;
}
