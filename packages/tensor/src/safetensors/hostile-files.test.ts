/** Files that break the format: each rule has its own message, and nothing is allocated by what a file claims. */

import { describe, expect, test } from "vitest";
import { tensor } from "../create.js";
import { isCurvError } from "../errors.js";
import { load, loadLazy, loadTensors, save } from "./index.js";

/** A file with a header as it stands, and so many zeros as data. */
function fileOf(header: string | Uint8Array, data = 0, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (begin: number, end: number, shape = "[1]", dtype = "F32"): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
const one = (text: string, data = 0): Uint8Array => fileOf(`{"w":${text}}`, data);
const withMetadata = (metadata: string): Uint8Array => fileOf(`{"__metadata__":${metadata},"w":${entry(0, 4)}}`, 4);

const refused: [string, Uint8Array][] = [
  ["safetensors: file has 5 bytes; the header length alone is 8.", new Uint8Array(5)],
  ["safetensors: file has 0 bytes; the header length alone is 8.", new Uint8Array(0)],
  ["safetensors: header length 1e18 exceeds the limit 100000000.", fileOf("{}", 0, 10n ** 18n)],
  ["safetensors: header length 100000001 exceeds the limit 100000000.", fileOf("{}", 0, 100000001n)],
  ["safetensors: header length 1.8446744073709552e19 exceeds the limit 100000000.", fileOf("{}", 0, 2n ** 64n - 1n)],
  ["safetensors: header ends at 4096, file has 1200 bytes.", fileOf("{}", 1190, 4088n)],
  ["safetensors: header is not valid JSON at byte 17.", fileOf('{"x":{"dtype":"F3')],
  ["safetensors: header is not valid JSON at byte 0.", fileOf("")],
  ['safetensors: header begins with byte 91; wants 123, a "{".', fileOf("[]")],
  ['safetensors: header begins with byte 239; wants 123, a "{".', fileOf("\ufeff{}")],
  ['safetensors: header begins with byte 32; wants 123, a "{".', fileOf(" {}")],
  ["safetensors: header is not valid JSON at byte 3.", fileOf("{} x")],
  ["safetensors: header is not valid JSON at byte 2.", fileOf("{}\0")],
  ["safetensors: header is not valid JSON at byte 1.", fileOf("{'w':1}")],
  ["safetensors: header is not valid JSON at byte 1.", fileOf("{,}")],
  ["safetensors: header is not valid JSON at byte 7.", fileOf('{"w":1,}')],
  ["safetensors: header is not valid JSON at byte 5.", fileOf('{"w" 1}')],
  ["safetensors: header is not valid JSON at byte 5.", fileOf('{"w":01}')],
  ["safetensors: header is not valid JSON at byte 5.", fileOf('{"w":nul}')],
  ["safetensors: header is not valid JSON at byte 5.", fileOf('{"w":.5}')],
  ["safetensors: header is not valid JSON at byte 3.", fileOf('{"w\n":1}')],
  ["safetensors: header is not valid JSON at byte 2.", fileOf('{"\\x":1}')],
  ["safetensors: header is not valid JSON at byte 2.", fileOf('{"\\u12g4":1}')],
  ["safetensors: header is not valid JSON at byte 2.", fileOf('{"\\ud800":1}')],
  ["safetensors: header is not valid JSON at byte 2.", fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d))],
  ["safetensors: header is nested deeper than 4 at byte 8.", fileOf('{"w":[[[[1]]]]}')],
  ['safetensors: name "w" appears twice.', fileOf(`{"w":${entry(0, 4)},"w":${entry(4, 8)}}`, 8)],
  ['safetensors: name "w" appears twice.', fileOf(`{"w":${entry(0, 4)},"\\u0077":${entry(4, 8)}}`, 8)],
  ['safetensors: name "shape" appears twice.', one('{"shape":[],"shape":[1]}')],
  [
    "safetensors: w: dtype F32 and shape [2, 3] need 24 bytes, data_offsets [0, 20] give 20.",
    one(entry(0, 20, "[2, 3]"), 20),
  ],
  [
    "safetensors: w: dtype F32 and shape [4294967296, 1048576] need 18014398509481984 bytes, data_offsets [0, 0] give 0.",
    one(entry(0, 0, "[4294967296, 1048576]")),
  ],
  [
    "safetensors: w: dtype F4 and shape [3] need 12 bits, data_offsets [0, 2] give 2.",
    one(entry(0, 2, "[3]", "F4"), 2),
  ],
  ["safetensors: w overlaps v at byte 16.", fileOf(`{"v":${entry(0, 20, "[5]")},"w":${entry(16, 36, "[5]")}}`, 36)],
  ["safetensors: w overlaps v at byte 0.", fileOf(`{"v":${entry(0, 4)},"w":${entry(0, 4)}}`, 4)],
  ["safetensors: 8 bytes after the last tensor.", one(entry(0, 4), 12)],
  ["safetensors: 3 bytes after the last tensor.", fileOf("{}", 3)],
  ["safetensors: 4 bytes before w belong to no tensor.", one(entry(4, 8), 8)],
  ["safetensors: w ends at byte 4 of the data, which have 3.", one(entry(0, 4), 3)],
  ["safetensors: w: data_offsets [8, 4] end before they begin.", one(entry(8, 4), 8)],
  ["safetensors: w is no object; wants dtype, shape and data_offsets.", one("[]")],
  ["safetensors: w: shape is missing.", one('{"dtype":"F32","data_offsets":[0,4]}', 4)],
  ['safetensors: w: "strides" is unknown.', one(entry(0, 4).replace("}", ',"strides":[1]}'), 4)],
  ["safetensors: w: dtype is no string.", one(entry(0, 4).replace('"F32"', "32"), 4)],
  ["safetensors: w: shape is no array.", one(entry(0, 4, "1"), 4)],
  ["safetensors: w: shape has -1; wants integers from 0 to 2^53 - 1.", one(entry(0, 4, "[-1]"), 4)],
  ["safetensors: w: shape has 1.0; wants integers from 0 to 2^53 - 1.", one(entry(0, 4, "[1.0]"), 4)],
  ["safetensors: w: shape has 1e0; wants integers from 0 to 2^53 - 1.", one(entry(0, 4, "[1e0]"), 4)],
  ["safetensors: w: shape has what is no number; wants integers from 0 to 2^53 - 1.", one(entry(0, 4, '["1"]'), 4)],
  [
    "safetensors: w: shape has 9007199254740993; wants integers from 0 to 2^53 - 1.",
    one(entry(0, 4, "[9007199254740993]"), 4),
  ],
  [
    "safetensors: w: data_offsets has 3 numbers; wants begin and end.",
    one('{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}', 4),
  ],
  ["safetensors: w: shape [9007199254740991, 2, 0] has too many elements.", one(entry(0, 0, "[9007199254740991,2,0]"))],
  [
    "safetensors: header has an array of more than 32 elements at byte 93.",
    one(entry(0, 4, `[${new Array(33).fill(1).join()}]`), 4),
  ],
  [
    "safetensors: the name xxxxxxxxxxxxxxxx… has more than 4096 bytes.",
    fileOf(`{"${"x".repeat(4097)}":${entry(0, 4)}}`, 4),
  ],
  ["safetensors: __metadata__ is no object; wants strings by name.", withMetadata('"x"')],
  ['safetensors: __metadata__: "n" is no string.', withMetadata('{"n":1}')],
  ['safetensors: name "__metadata__" appears twice.', fileOf('{"__metadata__":{},"__metadata__":{}}')],
];

test.each(refused)("%s", async (message, bytes) => {
  let error: unknown = null;
  try {
    loadTensors(bytes);
  } catch (thrown) {
    error = thrown;
  }
  expect((error as Error | null)?.message).toBe(message);
  expect(isCurvError(error, "CURV_FORMAT")).toBe(true);
  await expect(loadLazy(new Blob([bytes as BlobPart]))).rejects.toThrow(message);
});

test("a boolean that is neither 0 nor 1 is refused", () => {
  const bytes = one(entry(0, 3, "[3]", "BOOL"), 3);
  bytes[bytes.length - 1] = 2;
  expect(() => load(bytes)).toThrow("safetensors: w: element 2 of BOOL is 2; wants 0 or 1.");
});

test("an unknown type is refused by name, after everything else about it was checked", () => {
  expect(() => load(one(entry(0, 4, "[1]", "Q7"), 4))).toThrow("safetensors: w: dtype Q7 is unknown; reads F64,");
  expect(() => load(one(entry(0, 4, "[1]", "Q7"), 5))).toThrow("safetensors: 1 bytes after the last tensor.");
  expect(() => load(one(entry(4, 0, "[1]", "Q7"), 4))).toThrow("end before they begin");
});

describe("the structure in the metadata", () => {
  const structured = (text: string): Uint8Array => withMetadata(JSON.stringify({ curv: text }));
  test.each([
    ["is no tree", "3"],
    ["is no tree", '"w"'],
    ['has a leaf "v", which the file has not', '{"v":"*"}'],
    ['has a leaf "value", which the file has not', '"*"'],
    ["has more than the 1 leaves of the file", '{"v":"*","w":"*"}'],
    ["has 0 leaves, the file 1 tensors", "{}"],
  ])("%s: %s", (message, text) => {
    expect(() => load(structured(text))).toThrow(
      `safetensors: __metadata__.curv ${message}; loadTensors reads the tensors without it.`,
    );
    expect(loadTensors(structured(text)).tensors.size).toBe(1);
  });
  test("must be JSON, and not too deep", () => {
    expect(() => load(structured('{"w":'))).toThrow("safetensors: __metadata__.curv is not valid JSON at byte 5.");
    expect(() => load(structured("[".repeat(5000)))).toThrow(
      "safetensors: __metadata__.curv is nested deeper than 1000 at byte 1000.",
    );
    expect(() => load(structured('{"w":"*","w":"*"}'))).toThrow('safetensors: name "w" appears twice.');
  });
});

test("names of other programs that are no tree are refused by load alone", () => {
  const both = fileOf(`{"a":${entry(0, 4)},"a.b":${entry(4, 8)}}`, 8);
  const reversed = fileOf(`{"a.b":${entry(0, 4)},"a":${entry(4, 8)}}`, 8);
  for (const bytes of [both, reversed]) {
    expect(() => load(bytes)).toThrow(
      'safetensors: "a" is a tensor and begins the names of others; loadTensors reads it.',
    );
    expect(loadTensors(bytes).tensors.size).toBe(2);
  }
  expect(() => load(fileOf(`{"${".".repeat(2000)}":${entry(0, 4)}}`, 4))).toThrow("has more than 1000 parts");
});

test("large headers are read in time in proportion to their length", () => {
  const count = 50_000;
  const entries = Array.from({ length: count }, (_, i) => `"t${i}":${entry(4 * i, 4 * i + 4)}`);
  // Quadratic work would take minutes: the test would time out.
  const { tensors } = loadTensors(fileOf(`{${entries.join()}}`, 4 * count));
  expect(tensors.size).toBe(count);
});

describe("fuzz", () => {
  /** A small generator of its own, so that the cases are the same everywhere. */
  function generator(seed: number): (n: number) => number {
    let state = seed >>> 0;
    return (n) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
  }
  const tree = {
    a: tensor([1, 2, 3]),
    b: [tensor([0.5], { dtype: "float64" }), { c: tensor([true, false]) }, null],
    k: tensor([[7]], { dtype: "uint32" }),
  };
  const words = [
    "0",
    "1",
    "-1",
    "1e9",
    "9007199254740991",
    '"F64"',
    '"w"',
    "null",
    "true",
    "[]",
    "{}",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    '"',
    "\\",
  ];

  test("20,000 mutations of files give a tree, a FormatError or a DTypeError, and no more memory than the file", () => {
    const good = [save(tree), save({ w: tensor([1, 2]) }, { structure: false, metadata: { n: "1" } })];
    const next = generator(12345);
    let refusals = 0;
    for (let i = 0; i < 20_000; i++) {
      let bytes: Uint8Array = good[next(2)].slice();
      const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
      const kind = next(5);
      if (kind === 0) bytes = bytes.slice(0, next(bytes.length));
      else if (kind === 1) for (let k = next(4); k >= 0; k--) bytes[next(bytes.length)] = next(256);
      else if (kind === 2) for (let k = next(3); k >= 0; k--) bytes[8 + next(header)] ^= 1 << next(8);
      else {
        // A token of JSON written over or between the others, the length of the header kept right.
        const text = new TextDecoder().decode(bytes.subarray(8, 8 + header));
        const at = next(text.length);
        const word = words[next(words.length)];
        const removed = kind === 3 ? word.length : next(3);
        const changed = new TextEncoder().encode(text.slice(0, at) + word + text.slice(at + removed));
        const data = bytes.subarray(8 + header);
        bytes = fileOf(changed, data.length);
        bytes.set(data, 8 + changed.length);
      }
      try {
        const { tensors } = loadTensors(bytes);
        let size = 0;
        for (const x of tensors.values()) size += x.dataSync().byteLength;
        if (size > 4 * bytes.length) throw new Error(`${size} bytes from ${bytes.length}`);
        load(bytes);
      } catch (error) {
        refusals++;
        if (!isCurvError(error, "CURV_FORMAT") && !isCurvError(error, "CURV_DTYPE")) throw error;
      }
    }
    expect(refusals).toBeGreaterThan(10_000);
    expect(refusals).toBeLessThan(20_000);
  });
});
