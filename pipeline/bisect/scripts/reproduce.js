// Runs the model beside this page on inputs.safetensors and compares it with expected.safetensors.
import { run } from "./run.js";
import { parse } from "./safetensors.js";

const json = async (name) => (await fetch(name)).json();
const tensors = async (name) => parse(await (await fetch(name)).arrayBuffer());

/** The largest difference as a share of the range of what was expected. */
function compare(given, wanted, scale) {
  if (String(given.shape) !== String(wanted.shape)) return Infinity;
  let largest = 0;
  for (const [i, value] of wanted.data.entries()) {
    const difference = Math.abs(Number(given.data[i]) - Number(value));
    largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }
  return largest / scale;
}

/** The shape and the first values. */
const head = ({ shape, data }) =>
  `[${shape}] ${Array.from(data.slice(0, 6), (value) => Number(value).toPrecision(6)).join(" ")}`;

async function reproduce() {
  const facts = await json("reproduction.json");
  const [expected] = Object.values(await tensors("expected.safetensors"));
  const { runtime, output } = await run(
    await json("runtime.json"),
    await tensors("inputs.safetensors"),
  );
  const share = compare(output, expected, facts.scale);
  return [
    share <= facts.tolerance ? "within tolerance" : "wrong",
    `${runtime}, ${facts.op} ${facts.node}`,
    `largest difference, as a share of the range: ${share.toPrecision(6)}`,
    `expected ${head(expected)}`,
    `given    ${head(output)}`,
  ];
}

const lines = await reproduce().catch((error) => [`failed: ${error.message}`]);
document.getElementById("result").textContent = lines.join("\n");
document.title = lines[0];
