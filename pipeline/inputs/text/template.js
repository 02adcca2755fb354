/**
 * The tokens that stand around a text, or a pair of texts: the post-processors of tokenizer.json.
 *
 * @typedef {{id?: number, text?: 0 | 1, type: number}[]} Template special tokens, and the places of the texts
 * @typedef {{single: Template, pair: Template}} Templates
 */

/** @param {number} id @param {number} [type] @returns {Template} */
const special = (id, type = 0) => [{ id, type }];

/** @type {Template[number]} */
const first = { text: 0, type: 0 };

/** @type {Record<string, (config: any) => Templates | null>} by their type; others were refused */
const TEMPLATES = {
  TemplateProcessing: ({ single, pair, special_tokens }) => {
    const read = (/** @type {any[]} */ parts) =>
      parts.flatMap(({ Sequence, SpecialToken }) =>
        Sequence
          ? { text: Sequence.id === "A" ? 0 : 1, type: Sequence.type_id }
          : special_tokens[SpecialToken.id].ids.map((/** @type {number} */ id) => ({
              id,
              type: SpecialToken.type_id,
            })),
      );
    return { single: read(single), pair: read(pair) };
  },
  BertProcessing: ({ cls, sep }) => {
    const single = [...special(cls[1]), first, ...special(sep[1])];
    return { single, pair: [...single, { text: 1, type: 1 }, ...special(sep[1], 1)] };
  },
  RobertaProcessing: ({ cls, sep }) => {
    const end = special(sep[1]);
    const single = [...special(cls[1]), first, ...end];
    return { single, pair: [...single, ...end, { text: 1, type: 0 }, ...end] };
  },
  ByteLevel: () => null,
  Sequence: ({ processors }) =>
    processors.map(templateOf).find((/** @type {any} */ one) => one) ?? null,
};

/** @param {any} config @returns {Templates | null} */
const templateOf = (config) => (config ? TEMPLATES[config.type](config) : null);

/** @param {any} config of tokenizer.json; null for none @returns {Templates} */
export const templatesOf = (config) =>
  templateOf(config) ?? { single: [first], pair: [first, { text: 1, type: 0 }] };
