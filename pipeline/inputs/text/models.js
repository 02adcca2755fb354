/**
 * How a word becomes tokens: the models of tokenizer.json, as the Python library has them.
 *
 * @typedef {{id: number, from: number, to: number}} Token of which code points of the word
 * @typedef {(chars: string[]) => Token[]} Model
 */

/** @type {Record<string, (config: any) => Model>} by their type; others were refused */
const MODELS = { WordPiece: wordPiece, Unigram: unigram, BPE: bpe };

/** @param {any} config of tokenizer.json @returns {Model} */
export const modelOf = (config) => MODELS[config.type](config);

/** The longest piece that fits, again and again (Devlin et al. 2018; Wu et al. 2016). @param {any} config @returns {Model} */
function wordPiece({ vocab, unk_token, continuing_subword_prefix, max_input_chars_per_word }) {
  const ids = new Map(Object.entries(vocab));
  const longest = longestOf(ids.keys());
  const unknown = (/** @type {string[]} */ { length }) => [
    { id: ids.get(unk_token), from: 0, to: length },
  ];
  return (chars) => {
    if (chars.length > max_input_chars_per_word) return unknown(chars);
    const tokens = [];
    for (let from = 0; from < chars.length; ) {
      const prefix = from ? continuing_subword_prefix : "";
      let to = Math.min(chars.length, from + longest);
      let id;
      while (to > from && (id = ids.get(prefix + chars.slice(from, to).join(""))) === undefined)
        to--;
      if (id === undefined) return unknown(chars);
      tokens.push({ id, from, to });
      from = to;
    }
    return tokens;
  };
}

/** What an unknown character costs beyond the rarest piece, as SentencePiece has it. */
const UNKNOWN_PENALTY = 10;

/** The likeliest pieces by a unigram language model (Kudo 2018), by Viterbi's algorithm. @param {any} config @returns {Model} */
function unigram({ vocab, unk_id }) {
  /** @type {Map<string, [number, number]>} */
  const pieces = new Map(
    vocab.map((/** @type {[string, number]} */ [piece, score], /** @type {number} */ id) => [
      piece,
      [id, score],
    ]),
  );
  const longest = longestOf(pieces.keys());
  const lowest = vocab.reduce(
    (/** @type {number} */ low, /** @type {any} */ [, score]) => Math.min(low, score),
    Infinity,
  );
  return (chars) => {
    /** @type {{score: number, from: number, id: number}[]} the best that ends there */
    const best = [{ score: 0, from: 0, id: -1 }];
    const offer = (
      /** @type {number} */ from,
      /** @type {number} */ to,
      /** @type {number} */ id,
      /** @type {number} */ more,
    ) => {
      const score = best[from].score + more;
      if (!best[to] || score > best[to].score) best[to] = { score, from, id };
    };
    for (let from = 0; from < chars.length; from++) {
      let [piece, single] = ["", false];
      for (let to = from + 1; to <= Math.min(chars.length, from + longest); to++) {
        piece += chars[to - 1];
        const known = pieces.get(piece);
        if (!known) continue;
        offer(from, to, ...known);
        single ||= to === from + 1;
      }
      if (!single) offer(from, from + 1, unk_id, lowest - UNKNOWN_PENALTY);
    }
    /** @type {Token[]} */
    const tokens = [];
    for (let to = chars.length; to > 0; to = best[to].from) {
      const { from, id } = best[to];
      // Unknown characters side by side are one token.
      if (id === unk_id && tokens[0]?.id === id) tokens[0].from = from;
      else tokens.unshift({ id, from, to });
    }
    return tokens;
  };
}

/** Pairs are joined, those that were learnt first before others (Sennrich et al. 2016). @param {any} config @returns {Model} */
function bpe({ vocab, merges, unk_token, fuse_unk, byte_fallback, ignore_merges }) {
  const ids = new Map(Object.entries(vocab));
  /** @type {Map<string, number>} */
  const ranks = new Map();
  merges.forEach((/** @type {any} */ merge, /** @type {number} */ rank) => {
    const pair = Array.isArray(merge) ? merge : merge.split(" ");
    ranks.set(pair.join("\0"), rank);
  });
  const first = (/** @type {string[]} */ chars) =>
    symbolsOf(chars, ids, { unk_token, fuse_unk, byte_fallback });
  return (chars) => {
    const whole = ignore_merges && ids.get(chars.join(""));
    if (whole !== undefined && whole !== false) return [{ id: whole, from: 0, to: chars.length }];
    const symbols = first(chars);
    const rankAt = (/** @type {number} */ i) =>
      i >= 0 && i + 1 < symbols.length
        ? (ranks.get(`${symbols[i].text}\0${symbols[i + 1].text}`) ?? Infinity)
        : Infinity;
    const waiting = symbols.map((_, i) => rankAt(i));
    for (;;) {
      let least = 0;
      for (let i = 1; i < waiting.length; i++) if (waiting[i] < waiting[least]) least = i;
      if (!(waiting[least] < Infinity)) break;
      const [a, b] = symbols.splice(least, 2, symbols[least]);
      const text = a.text + b.text;
      symbols[least] = { text, id: /** @type {number} */ (ids.get(text)), from: a.from, to: b.to };
      waiting.splice(least, 1);
      waiting[least] = rankAt(least);
      if (least) waiting[least - 1] = rankAt(least - 1);
    }
    return symbols.map(({ id, from, to }) => ({ id, from, to }));
  };
}

/**
 * What a word begins as: its characters, and what stands for those that no piece has.
 * @param {string[]} chars
 * @param {Map<string, number>} ids
 * @param {{unk_token: string | null, fuse_unk: boolean, byte_fallback: boolean}} how
 */
function symbolsOf(chars, ids, { unk_token, fuse_unk, byte_fallback }) {
  /** @type {(Token & {text: string, unknown?: boolean})[]} */
  const symbols = [];
  chars.forEach((text, from) => {
    const to = from + 1;
    const id = ids.get(text);
    if (id !== undefined) return void symbols.push({ text, id, from, to });
    const bytes = byte_fallback ? Array.from(new TextEncoder().encode(text), byteToken) : [];
    if (bytes.length && bytes.every((token) => ids.has(token))) {
      for (const token of bytes)
        symbols.push({ text: token, id: /** @type {number} */ (ids.get(token)), from, to });
      return;
    }
    const last = symbols.at(-1);
    if (unk_token === null) return;
    if (fuse_unk && last?.unknown) last.to = to;
    else
      symbols.push({
        text: unk_token,
        id: /** @type {number} */ (ids.get(unk_token)),
        from,
        to,
        unknown: true,
      });
  });
  return symbols;
}

/** @param {number} byte */
const byteToken = (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

/** Code points of the longest piece. @param {Iterable<string>} pieces */
function longestOf(pieces) {
  let longest = 0;
  for (const piece of pieces) longest = Math.max(longest, Array.from(piece).length);
  return longest;
}
