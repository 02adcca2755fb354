/** Reads tokenizer.json, of which Python checked that all in it is known here (tokenizer.py), and encodes texts. */
import { align } from "./align.js";
import { modelOf } from "./models.js";
import { normalizerOf } from "./normalize.js";
import { splitOf } from "./split.js";
import { templatesOf } from "./template.js";

/**
 * @typedef {{ids: number[], starts: number[], ends: number[]}} Encoded tokens, and from where to where in the text each
 *   comes, in UTF-16 code units
 * @typedef {ReturnType<typeof readTokenizer>} Tokenizer
 */

/** @param {any} json */
export function readTokenizer(json) {
  const normalize = normalizerOf(json.normalizer);
  const split = splitOf(json.pre_tokenizer);
  const model = modelOf(json.model);
  return {
    templates: templatesOf(json.post_processor),

    /** @param {string} text @returns {Encoded} without the tokens that stand around it */
    encode(text) {
      /** @type {Encoded} */
      const encoded = { ids: [], starts: [], ends: [] };
      for (const { chars, starts, ends } of split(normalize(align(wellFormed(text))))) {
        for (const { id, from, to } of model(chars)) {
          encoded.ids.push(id);
          encoded.starts.push(starts[from]);
          encoded.ends.push(ends[to - 1]);
        }
      }
      return encoded;
    },
  };
}

/** Half a character is none. @param {string} text */
const wellFormed = (text) => text.replace(/\p{Surrogate}/gu, "\ufffd");
