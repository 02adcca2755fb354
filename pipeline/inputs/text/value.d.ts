/** What a page may give where a model reads a text. */
export type TextInput = string;

/** What a page may give where a model reads a question about a text. */
export interface QuestionInput {
  question: string;
  context: string;
}
