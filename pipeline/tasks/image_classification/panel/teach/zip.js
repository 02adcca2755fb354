/**
 * Zip files of a few small entries: written uncompressed, read also where another program
 * compressed them (APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16; no ZIP64).
 */

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
/** Names are UTF-8. */
const UTF8 = 0x0800;
const VERSION = 20;
/** 1980-01-01: the same files make the same bytes. */
const DATE = 0x21;
const STORED = 0;
const DEFLATED = 8;

/**
 * @param {Record<string, Uint8Array>} files
 * @returns {Uint8Array}
 */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const path = new TextEncoder().encode(name);
    // version, flags, method, time, date, CRC, sizes, length of the name, of extra fields
    const common = [
      [2, VERSION],
      [2, UTF8],
      [2, STORED],
      [2, 0],
      [2, DATE],
      [4, crc32(content)],
      [4, content.length],
      [4, content.length],
      [2, path.length],
      [2, 0],
    ];
    const local = [pack([[4, LOCAL], ...common]), path, content];
    directory.push(
      pack([[4, CENTRAL], [2, VERSION], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]),
      path,
    );
    parts.push(...local);
    offset += local.reduce((sum, { length }) => sum + length, 0);
  }
  const bytes = directory.reduce((sum, { length }) => sum + length, 0);
  const count = directory.length / 2;
  const end = pack([
    [4, END],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, bytes],
    [4, offset],
    [2, 0],
  ]);
  return joined([...parts, ...directory, end]);
}

/**
 * @param {Uint8Array} content
 * @returns {Promise<Record<string, Uint8Array>>} by the last part of each name: folders do not count
 */
export async function unzip(content) {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  let end = content.length - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw new RangeError("no end of a zip's directory");
  /** @type {Record<string, Uint8Array>} */
  const files = {};
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const { name, data, next } = await entry(content, view, at);
    if (name) files[name] = data;
    at = next;
  }
  return files;
}

/** @param {Uint8Array} content @param {DataView} view @param {number} at of its central header */
async function entry(content, view, at) {
  const short = (/** @type {number} */ from) => view.getUint16(at + from, true);
  const long = (/** @type {number} */ from) => view.getUint32(at + from, true);
  if (long(0) !== CENTRAL) throw new RangeError("a damaged directory of a zip");
  const path = new TextDecoder().decode(
    content.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + short(28)),
  );
  const local = long(42);
  const start =
    local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = content.slice(start, start + long(20));
  const data = short(10) === DEFLATED ? await inflated(packed) : packed;
  if (data.length !== long(24) || crc32(data) !== long(16))
    throw new RangeError(`${path} is damaged`);
  const next = at + CENTRAL_BYTES + short(28) + short(30) + short(32);
  return { name: path.slice(path.lastIndexOf("/") + 1), data, next };
}

/** @param {Uint8Array<ArrayBuffer>} packed */
async function inflated(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Little-endian fields of 2 or 4 bytes. @param {number[][]} fields [bytes, value] */
function pack(fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** CRC-32 as in ISO 3309, bit by bit: heads are small. @param {Uint8Array} content */
function crc32(content) {
  let crc = -1;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
