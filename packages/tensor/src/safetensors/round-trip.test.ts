/** Trees and files: what is saved comes back, bit for bit; files that break the format are refused, each with its own message. */

import { describe, expect, test } from "vitest";
import { tensor, zeros, type Tensor } from "../index.js";
import { load, loadTensors, open, save, saveTensors } from "./index.js";

const encode = (header: string, data: readonly number[] = [], length = header.length): Uint8Array => {
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  bytes.set(data, 8 + header.length);
  return bytes;
};

test("a tree of every dtype, of scalars and of nothing comes back", async () => {
  const tree = {
    layers: [
      {
        w: tensor([
          [1, -0],
          [NaN, Infinity],
        ]),
        b: tensor([1e-310], { dtype: "float64" }),
      },
      { w: zeros([0, 3]), b: null },
    ],
    step: tensor(7, { dtype: "int32" }),
    key: tensor([4294967295], { dtype: "uint32" }),
    mask: tensor([true, false, true]),
    ["__proto__"]: tensor(1),
  };
  const back = load<typeof tree>(await save(tree));
  expect(back.layers[1].b).toBeNull();
  for (const [a, b] of [
    [tree.layers[0].w, back.layers[0].w],
    [tree.layers[0].b, back.layers[0].b],
    [tree.layers[1].w, back.layers[1].w],
    [tree.step, back.step],
    [tree.key, back.key],
    [tree.mask, back.mask],
  ] as [Tensor, Tensor][]) {
    expect([b.dtype, b.shape]).toEqual([a.dtype, a.shape]);
    expect(b.dataSync()).toEqual(a.dataSync());
  }
});

test("the bytes are those of the format: length, header padded to 8, data in the order of the reference writer", async () => {
  const bytes = await saveTensors({ b: tensor([1]), a: tensor([2], { dtype: "float64" }) });
  const text = new TextDecoder().decode(bytes.subarray(8));
  expect(
    text.startsWith(
      '{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}',
    ),
  ).toBe(true);
  expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
});

test("half precisions and small and 64-bit integers are read", () => {
  const header = (dtype: string, bytes: number): string =>
    `{"x":{"dtype":"${dtype}","shape":[2],"data_offsets":[0,${bytes}]}}`;
  const read = (dtype: string, data: number[]): unknown =>
    loadTensors(encode(header(dtype, data.length), data))
      .tensors.get("x")!
      .arraySync();
  expect(read("F16", [0x00, 0x3c, 0x01, 0x80])).toEqual([1, -(2 ** -24)]);
  expect(read("BF16", [0x80, 0x3f, 0xc0, 0xff])).toEqual([1, NaN]);
  expect(read("I8", [0xff, 0x7f])).toEqual([-1, 127]);
  expect(read("U16", [0xff, 0xff, 1, 0])).toEqual([65535, 1]);
  expect(read("U64", [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])).toEqual([4294967295, 1]);
  expect(() => read("I64", [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])).toThrow("neither int32 nor uint32");
});

test("a Buffer of Node, a view into shared memory, is read like any bytes", async () => {
  const pool = Buffer.alloc(4096);
  const bytes = await save({ x: tensor([[1, 2, 3]], { dtype: "float64" }) });
  pool.set(bytes, 13);
  const { x } = load<{ x: Tensor }>(pool.subarray(13, 13 + bytes.length));
  pool.fill(255);
  expect(x.arraySync()).toEqual([[1, 2, 3]]);
});

test("one tensor of a file is read by its range", async () => {
  const bytes = await save({ a: tensor([1, 2]), b: tensor([3]) });
  const reads: number[] = [];
  const file = await open({
    length: bytes.length,
    read: (begin, end) => {
      reads.push(end - begin);
      return Promise.resolve(bytes.subarray(begin, end));
    },
  });
  expect(file.names).toEqual(["a", "b"]);
  expect((await file.tensor("b")).arraySync()).toEqual([3]);
  expect(reads[reads.length - 1]).toBe(4);
});

describe("refused", () => {
  const entry = (name: string, from: number, to: number, shape = "[1]"): string =>
    `"${name}":{"dtype":"F32","shape":${shape},"data_offsets":[${from},${to}]}`;
  const zeros8 = new Array<number>(8).fill(0);
  const cases: [string, Uint8Array, string][] = [
    ["too short", new Uint8Array(5), "safetensors: file has 5 bytes; the header length alone is 8."],
    [
      "huge header",
      (() => {
        const bytes = new Uint8Array(16);
        new DataView(bytes.buffer).setBigUint64(0, 10n ** 18n, true);
        return bytes;
      })(),
      "safetensors: header length 1e18 exceeds the limit 100000000.",
    ],
    ["header beyond the file", encode("{}", [], 4088), "safetensors: header ends at 4096, file has 10 bytes."],
    ["no JSON", encode('{"x":{"dtype":"F3'), "safetensors: header is not valid JSON at byte 17."],
    [
      "repeated name",
      encode(`{${entry("w", 0, 4)},${entry("w", 4, 8)}}`, zeros8),
      'safetensors: name "w" appears twice.',
    ],
    [
      "wrong size",
      encode(`{${entry("w", 0, 8, "[2, 3]")}}`, zeros8),
      "safetensors: w: dtype F32 and shape [2, 3] need 24 bytes, data_offsets [0, 8] give 8.",
    ],
    ["overlap", encode(`{${entry("v", 0, 4)},${entry("w", 2, 6)}}`, zeros8), "safetensors: w overlaps v at byte 2."],
    ["tail", encode(`{${entry("w", 0, 4)}}`, [...zeros8, 0, 0, 0, 0]), "safetensors: 8 bytes after the last tensor."],
    ["gap", encode(`{${entry("w", 4, 8)}}`, zeros8), "safetensors: 4 bytes before w belong to no tensor."],
    [
      "unsafe integer",
      encode(`{${entry("w", 0, 4, "[9007199254740993]")}}`, zeros8),
      "safetensors: header has the integer 9007199254740993, beyond the safe ones.",
    ],
  ];
  test.each(cases)("%s", (_name, bytes, message) => {
    expect(() => loadTensors(bytes)).toThrow(message);
  });

  test("a key with a dot", async () => {
    await expect(save({ "a.b": tensor(1) })).rejects.toThrow('contains "."');
  });

  test("10,000 mutations of a file give a tree or a typed error", async () => {
    const good = await save({ a: tensor([1, 2, 3]), b: [tensor(1), { c: tensor([true]) }] });
    let state = 1;
    const next = (n: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;
    let refused = 0;
    for (let i = 0; i < 10_000; i++) {
      const bytes = good.slice(0, next(8) === 0 ? next(good.length) : good.length);
      for (let k = next(4); k >= 0 && bytes.length > 0; k--) bytes[next(bytes.length)] = next(256);
      try {
        load(bytes);
      } catch (error) {
        refused++;
        expect(["FormatError", "DTypeError"]).toContain((error as Error).name);
      }
    }
    expect(refused).toBeGreaterThan(5000);
  });
});
