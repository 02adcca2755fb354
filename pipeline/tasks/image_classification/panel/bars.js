/** The answer: what it comes to large, and the five likeliest classes as bars. */

import { percent } from "../../../client/demo/words.js";
import { bars, showBars } from "../../bars.js";
import { inWords, isSure } from "./doubt.js";

/** @typedef {import("./doubt.js").Guess} Guess */

/** What it is drawn in. */
export const ANSWER = bars("The five likeliest classes");

/**
 * @param {HTMLElement} root that holds ANSWER
 * @param {Guess[]} guesses the likeliest first
 * @param {string} [doubt] why they may mean nothing
 */
export function showAnswer(root, guesses, doubt) {
  const sure = isSure(guesses, doubt);
  showBars(root, {
    text: inWords(guesses, doubt),
    score: sure ? guesses[0].score : null,
    doubt,
    rows: guesses.map(({ label, score }, i) => ({ label, score, chosen: sure && !i })),
  });
}

/**
 * An answer in one line.
 * @param {Guess[]} guesses
 * @param {string} [doubt]
 */
export const inShort = (guesses, doubt) =>
  isSure(guesses, doubt)
    ? `${guesses[0].label}, ${percent(guesses[0].score)}`
    : inWords(guesses, doubt);
