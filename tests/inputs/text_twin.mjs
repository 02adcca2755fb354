/** Reads texts as pages do, and tells where that is not what Python read: `node text_twin.mjs CASES FOLDER`. */
import { readFileSync } from "node:fs";
import { inputOf } from "../../pipeline/inputs/text/input.js";
import { readTokenizer } from "../../pipeline/inputs/text/tokenizer.js";

const [, , cases, folder] = process.argv;
const { texts, encoded, windows, singles } = JSON.parse(readFileSync(cases, "utf8"));
const NAMES = { ids: "i", mask: "m", types: "t" };
const inputs = Object.values(NAMES).map((name) => ({ name, dtype: "int32", shape: [null, null] }));
const wrong = [];
let compared = 0;

const check = (what, read, wanted) => {
  compared++;
  if (JSON.stringify(read) !== JSON.stringify(wanted)) wrong.push({ what, read, wanted });
};

const manifest = (options) => ({ inputs, input: { text: { ...NAMES, pad: 0, ...options } } });
const numbers = (feeds) =>
  Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, [...feeds[name].data]]));

for (const name of Object.keys(encoded)) {
  const content = readFileSync(`${folder}/${name}.json`);
  const tokenizer = readTokenizer(JSON.parse(content.toString()));
  const files = { tokenizer: new Uint8Array(content).buffer };
  // What is put together (runs of spaces, a letter and its accents) comes from all of it here, not so there.
  // Nor are the places of what is unknown to a BPE and joined; its ids are the same.
  const places = !name.startsWith("unigram") && name !== "bpe-unknown";
  texts.forEach((text, index) => {
    const { ids, starts, ends } = tokenizer.encode(text);
    check(`${name}: ${JSON.stringify(text)}`, ids, encoded[name][index].ids);
    const offsets = starts.map((start, i) => [start, ends[i]]);
    if (places)
      check(`${name}: places in ${JSON.stringify(text)}`, offsets, encoded[name][index].offsets);
  });
  singles[name].forEach((wanted, index) => {
    const feeds = inputOf(texts[index], manifest({ length: 16 }), files);
    check(`${name}: one window of ${JSON.stringify(texts[index])}`, numbers(feeds), wanted);
  });
  for (const { question, context, windows: wanted } of windows[name]) {
    const all = inputOf(
      { question, context },
      manifest({ length: 24, query: 8, stride: 5 }),
      files,
    );
    const read = all.map((feeds) => {
      const { starts, ends, best } = feeds.i.origin;
      return { ...numbers(feeds), starts, ends, best };
    });
    check(`${name}: windows of ${question}`, read, wanted);
  }
}
console.log(JSON.stringify({ compared, wrong: wrong.slice(0, 5), count: wrong.length }));
