/**
 * Reads and writes safetensors: a little-endian uint64 with the header's length,
 * a JSON header, and the raw tensors (https://github.com/huggingface/safetensors#format).
 */

/**
 * @typedef {Object} Tensor
 * @property {keyof typeof TYPES} dtype the runtimes' name
 * @property {number[]} shape
 * @property {ArrayBufferView} data row-major; bool is one byte a value, float16 is raw bits
 */
/** @typedef {Record<string, Tensor>} Tensors by public input or output name */

const PREFIX_BYTES = 8;
/** By dtype: its code in the header, and the array that holds it. */
const TYPES = /** @type {const} */ ({
  bool: ["BOOL", Uint8Array],
  int8: ["I8", Int8Array],
  uint8: ["U8", Uint8Array],
  int16: ["I16", Int16Array],
  uint16: ["U16", Uint16Array],
  int32: ["I32", Int32Array],
  uint32: ["U32", Uint32Array],
  int64: ["I64", BigInt64Array],
  uint64: ["U64", BigUint64Array],
  float16: ["F16", Uint16Array],
  float32: ["F32", Float32Array],
  float64: ["F64", Float64Array],
});

/**
 * @param {ArrayBuffer} buffer
 * @returns {Tensors}
 */
export function parse(buffer) {
  const headerBytes = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(
    new TextDecoder().decode(new Uint8Array(buffer, PREFIX_BYTES, headerBytes)),
  );
  delete header.__metadata__;
  const start = PREFIX_BYTES + headerBytes;
  return Object.fromEntries(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => {
        const type = dtypeOf(name, dtype);
        // A copy: a view would need offsets that are multiples of the element size.
        const data = new TYPES[type][1](buffer.slice(start + begin, start + end));
        return [name, { dtype: type, shape, data }];
      },
    ),
  );
}

/**
 * @param {Tensors} tensors
 * @returns {Blob}
 */
export function format(tensors) {
  /** @type {Record<string, object>} */
  const header = {};
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const code = TYPES[dtype]?.[0];
    if (!code) throw new Error(`"${name}" is ${dtype}, which cannot leave the page`);
    header[name] = { dtype: code, shape, data_offsets: [end, (end += data.byteLength)] };
  }
  const bytes = new TextEncoder().encode(JSON.stringify(header));
  const prefix = new DataView(new ArrayBuffer(PREFIX_BYTES));
  prefix.setBigUint64(0, BigInt(bytes.byteLength), true);
  const parts = Object.values(tensors).map(({ data }) => /** @type {BlobPart} */ (data));
  return new Blob([prefix, bytes, ...parts]);
}

/**
 * @param {string} name
 * @param {string} code
 * @returns {Tensor['dtype']}
 */
function dtypeOf(name, code) {
  const found = Object.entries(TYPES).find(([, [known]]) => known === code);
  if (!found) throw new Error(`"${name}" is ${code}, which the page cannot read`);
  return /** @type {Tensor['dtype']} */ (found[0]);
}
