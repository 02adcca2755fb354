/** How sure an answer is, in words. */

/** @typedef {{ label: string, score: number }} Guess */

/** An answer with less is not sure, and of what is not sure so much is named. */
export const SURE = 0.9;
/** Classes that are named at most, where none is sure. */
const NAMED = 3;

/**
 * @param {Guess[]} guesses the likeliest first
 * @param {string} [doubt] why scores may mean nothing: then no score makes it sure
 */
export const isSure = ([{ score }], doubt) => score >= SURE && !doubt;

/**
 * What to call an answer: a class, or those between which it is open.
 * @param {Guess[]} guesses
 * @param {string} [doubt]
 */
export function inWords(guesses, doubt) {
  if (isSure(guesses, doubt)) return guesses[0].label;
  const named = [];
  let sum = 0;
  for (const { label, score } of guesses.slice(0, NAMED)) {
    if (sum >= SURE) break;
    named.push(label);
    sum += score;
  }
  const last = named.pop();
  return `Not sure: ${named.length ? `${named.join(", ")} or ${last}` : `perhaps ${last}`}`;
}

/**
 * Whether two say the same, in a sentence.
 * @param {{ answer: Guess[], item: { doubt?: string } }} a
 * @param {{ answer: Guess[], item: { doubt?: string } }} b
 */
export function compare(a, b) {
  const [first, second] = [a, b].map(({ answer, item }) =>
    isSure(answer, item.doubt)
      ? `says ${answer[0].label}`
      : `is ${inWords(answer, item.doubt).replace("Not", "not")}`,
  );
  if (first !== second) return `They differ: A ${first}, B ${second}.`;
  return first.startsWith("says")
    ? `Both say${first.slice(4)}.`
    : `Neither is sure${first.slice(11)}.`;
}
