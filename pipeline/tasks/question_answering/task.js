/** Parts of a text that answer a question: the twin of answers.py. */

import { inputError } from "../../inputs/errors.js";

/**
 * @typedef {Record<string, {data: Float32Array}>} Outputs of one window of a text
 * @typedef {{text: string, question?: number, starts: number[], ends: number[], best: boolean[]}} Origin of a window
 * @typedef {{start: number, end: number, score: number}} Span its score is the sum of two logits
 * @typedef {import("./methods.js").TextAnswer} TextAnswer
 */

/** What a loaded model can do: of its outputs, the manifest, the caller's options, and what the model was given. */
export const methods = {
  answer(
    /** @type {Outputs[]} */ outputs,
    /** @type {any} */ { task_options },
    /** @type {import("./methods.js").AnswerOptions | undefined} */ options,
    /** @type {any[]} */ feeds,
  ) {
    const { max = task_options.max, threshold = task_options.threshold } = options ?? {};
    const own = { ...task_options, max, threshold };
    /** @type {Map<number | undefined, Window[]>} */
    const questions = new Map();
    [feeds].flat().forEach((feed, index) => {
      const window = new Window(originOf(feed), outputs[index], own);
      const { question } = window.origin;
      questions.set(question, [...(questions.get(question) ?? []), window]);
    });
    const answers = Array.from(questions.values(), (windows) => answersOf(windows, own));
    return questions.has(undefined) ? answers[0] : answers;
  },
};

/** @param {Record<string, {origin?: Origin}>} feed */
function originOf(feed) {
  const origin = Object.values(feed).find((tensor) => tensor.origin)?.origin;
  if (origin?.text === undefined)
    throw inputError("give { question, context } of texts, or several");
  return origin;
}

class Window {
  /** @param {Origin} origin @param {Outputs} outputs @param {any} options */
  constructor(origin, outputs, { start, end, longest }) {
    this.origin = origin;
    this.starts = outputs[start].data;
    this.ends = outputs[end].data;
    this.longest = longest;
  }

  /** All that may be an answer. @returns {Generator<Span>} */
  *spans() {
    const { starts, ends, longest } = this;
    const { best, starts: from, ends: to } = this.origin;
    for (let first = 0; first < starts.length; first++) {
      // An answer begins where the window shows most around it.
      if (!best[first]) continue;
      const behind = Math.min(first + longest, ends.length);
      for (let last = first; last < behind; last++) {
        const score = starts[first] + ends[last];
        // A token may stand for no character; what is no number is no answer either.
        if (from[last] >= 0 && to[last] > from[first] && score > -Infinity)
          yield { start: from[first], end: to[last], score };
      }
    }
  }
}

/** @param {Window[]} windows @returns {Generator<Span>} */
function* spansOf(windows) {
  for (const window of windows) yield* window.spans();
}

/**
 * @param {Window[]} windows of one question
 * @param {any} options
 * @returns {TextAnswer[]}
 */
function answersOf(windows, { no_answer, threshold, max, overlap }) {
  // The window that is least sure that there is none.
  const none = no_answer
    ? windows.reduce((least, { starts, ends }) => Math.min(least, starts[0] + ends[0]), Infinity)
    : -Infinity;
  const least = threshold === null ? none : (no_answer ? none : 0) + threshold;
  const { text } = windows[0].origin;
  const probability = softmaxOf(windows, none);
  /** @type {Span[]} */
  const found = [];
  while (found.length < max) {
    const span = bestOf(windows, least, (one) => found.some((other) => clash(one, other, overlap)));
    if (!span) break;
    found.push(span);
  }
  return found.map(({ start, end, score }) => ({
    text: text.slice(start, end),
    start,
    end,
    score: probability(score),
  }));
}

/** @param {Span} a @param {Span} b @param {boolean} overlap whether they may */
const clash = (a, b, overlap) =>
  overlap ? a.start === b.start && a.end === b.end : a.start < b.end && a.end > b.start;

/** @param {Window[]} windows @param {number} least @param {(span: Span) => boolean} isOut */
function bestOf(windows, least, isOut) {
  /** @type {Span | undefined} */
  let best;
  for (const span of spansOf(windows))
    if (span.score >= least && !(best && span.score <= best.score) && !isOut(span)) best = span;
  return best;
}

/**
 * The softmax over all spans, and no answer.
 * @param {Window[]} windows
 * @param {number} none
 */
function softmaxOf(windows, none) {
  let most = none;
  for (const { score } of spansOf(windows)) most = Math.max(most, score);
  let sum = Math.exp(none - most);
  for (const { score } of spansOf(windows)) sum += Math.exp(score - most);
  return (/** @type {number} */ score) => Math.exp(score - most) / sum;
}
