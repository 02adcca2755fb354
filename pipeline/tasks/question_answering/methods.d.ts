/** What a loaded model of this task can do. */
import type { QuestionInput } from "../../inputs/text/value.js";

export type { QuestionInput };

export default interface QuestionAnswering {
  /** The parts of the context that answer the question, the likeliest first; nothing where none counts. */
  answer(question: QuestionInput, options?: AnswerOptions): Promise<TextAnswers>;
  /** The same of several questions, one after another. */
  answer(
    questions: QuestionInput[],
    options?: AnswerOptions,
  ): Promise<TextAnswer[][] & { artifact: string }>;
}

export interface AnswerOptions {
  /** The most answers; default: the release's. */
  max?: number;
  /**
   * By how much the logits of an answer must be larger than those of no answer, or than 0 where the model knows no such
   * thing; default: the release's.
   */
  threshold?: number;
  signal?: AbortSignal;
}

export type TextAnswers = TextAnswer[] & { artifact: string };

export interface TextAnswer {
  text: string;
  /** Where it begins in the context, in UTF-16 code units, as JavaScript counts: `text` is `context.slice(start, end)`. */
  start: number;
  end: number;
  /** A probability: the softmax over all that may be an answer. */
  score: number;
}
