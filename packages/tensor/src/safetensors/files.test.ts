/** Trees and files: what is saved comes back bit for bit, and files go to and come from the reference implementation. */

import { describe, expect, test } from "vitest";
import { tensor, zeros } from "../create.js";
import { grad } from "../transform/grad.js";
import { jit } from "../transform/jit.js";
import { isTensor, type Tensor } from "../tensor.js";
import { copyBytes } from "./element-types.js";
import reference from "./fixtures/reference-files.json" with { type: "json" };
import { load, loadLazy, loadTensors, save, saveAsync } from "./index.js";

const double = (x: number | number[]): Tensor => tensor(x, { dtype: "float64" });
const file = (name: keyof typeof reference): Uint8Array => Uint8Array.from(Buffer.from(reference[name], "base64"));

/** Structure, dtypes, shapes and bits of a tree, to compare. */
function describeTree(tree: unknown): unknown {
  if (isTensor(tree)) {
    const data = tree.dataSync();
    return { dtype: tree.dtype, shape: tree.shape, bytes: Array.from(new Uint8Array(data.buffer, 0, data.byteLength)) };
  }
  if (Array.isArray(tree)) return tree.map(describeTree);
  if (typeof tree !== "object" || tree === null) return tree;
  return new Map(
    Object.keys(tree)
      .sort()
      .map((key) => [key, describeTree((tree as Record<string, unknown>)[key])]),
  );
}

const headerOf = (bytes: Uint8Array): string => {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return new TextDecoder().decode(bytes.subarray(8, 8 + length));
};

/** The tree whose file the reference writer wrote as "own-tree". */
const ownTree = {
  layers: [
    {
      w: tensor([
        [1, 2],
        [3, 4],
      ]),
      b: double([0.1, -0]),
    },
    { w: zeros([0, 3]), b: null },
  ],
  step: tensor(7, { dtype: "int32" }),
  key: tensor([1, 4294967295], { dtype: "uint32" }),
  mask: tensor([true, false]),
};

describe("round trips", () => {
  const trees: Record<string, unknown> = {
    "every dtype, arrays, null": ownTree,
    "special values": { x: tensor([NaN, -0, Infinity, -Infinity, 1e-45, 3.4e38]), y: double([5e-324, -1.7e308, NaN]) },
    "a tensor alone": tensor([1, 2, 3]),
    "a scalar alone": double(2.5),
    "an array": [tensor(1), [tensor(2), []], {}],
    nothing: {},
    "undefined and null": { a: undefined, b: null, c: [undefined, null, tensor(1)] },
    "odd keys": Object.fromEntries(
      ["", " ", "0", "__proto__", "constructor", "toString", "ü", "😀", 'a"b\\c\n\u0001', "*"].map((key, i) => [
        key,
        tensor(i),
      ]),
    ),
    "zero-size": { a: zeros([0]), b: zeros([3, 0, 2], { dtype: "bool" }), c: zeros([0, 0]) },
    "a large one": {
      w: tensor(
        Float32Array.from({ length: 2000 }, (_, i) => Math.sin(i)),
        { shape: [20, 100] },
      ),
    },
  };
  test.each(Object.entries(trees))("%s", async (_name, tree) => {
    const bytes = save(tree as Tensor);
    const wanted = describeTree(tree);
    expect(describeTree(load(bytes))).toEqual(wanted);
    expect(await saveAsync(tree as Tensor)).toEqual(bytes);
    expect(describeTree(await (await loadLazy(new Blob([bytes as BlobPart]))).tree())).toEqual(wanted);
    expect(save(load<Tensor>(bytes))).toEqual(bytes);
  });

  test("objects come without a prototype, so that no name is special", () => {
    const back = load<Record<string, Tensor>>(save(trees["odd keys"] as Record<string, Tensor>));
    expect(Object.getPrototypeOf(back)).toBe(null);
    expect(isTensor(back["__proto__"])).toBe(true);
    expect(isTensor(back["constructor"])).toBe(true);
  });

  test("the order of keys does not change the bytes", () => {
    const a = tensor(1);
    const b = double([2]);
    expect(save({ a, b })).toEqual(save({ b, a }));
  });

  test("loaded parameters go on where the saved ones were", () => {
    const params = { w: double([1, 2]), b: double(0.5) };
    const loss = (p: typeof params): Tensor => p.w.square().sum().mul(p.b);
    const back = load<typeof params>(save(params));
    expect(describeTree(jit(grad(loss))(back))).toEqual(describeTree(grad(loss)(params)));
  });

  test("bytes may lie anywhere, and are copied", () => {
    const bytes = save(ownTree);
    const wanted = describeTree(ownTree);
    for (const offset of [0, 1, 3, 8]) {
      const pool = Buffer.alloc(bytes.length + 16);
      pool.set(bytes, offset);
      const back = load(pool.subarray(offset, offset + bytes.length));
      pool.fill(255);
      expect(describeTree(back)).toEqual(wanted);
    }
    expect(describeTree(load(bytes.buffer as ArrayBuffer))).toEqual(wanted);
  });

  test("on a machine of the other byte order bytes are exchanged", () => {
    const target = new Uint8Array(8);
    copyBytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), target, 4, true);
    expect(Array.from(target)).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
    copyBytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), target, 1, true);
    expect(Array.from(target)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe("the writer", () => {
  test("gives the bytes of the reference writer", () => {
    expect(save(ownTree)).toEqual(file("own-tree"));
  });

  test("orders by type and then by name in code points, and pads the header with spaces to 8", () => {
    const bytes = save(
      {
        b: tensor([1]),
        a: tensor([true]),
        "\u{1f600}": tensor([1]),
        "\ufffd": tensor([1]),
        c: double([2]),
        i: tensor([1], { dtype: "int32" }),
        u: tensor([1], { dtype: "uint32" }),
      },
      { structure: false },
    );
    const header = headerOf(bytes);
    const names = [...header.matchAll(/"([^"]+)":\{"dtype"/g)].map(([, name]) => name);
    expect(names).toEqual(["c", "b", "\ufffd", "\u{1f600}", "u", "i", "a"]);
    expect(header.trimEnd()).toMatch(/^\{"c":\{"dtype":"F64","shape":\[1\],"data_offsets":\[0,8\]\},.*\}$/);
    expect(/\s/.test(header.trimEnd())).toBe(false);
    expect(header.length % 8).toBe(
      header.length - new TextEncoder().encode(header).length === 0 ? 0 : header.length % 8,
    );
    expect(new TextEncoder().encode(header).length % 8).toBe(0);
  });

  test("metadata", () => {
    const bytes = save({ w: tensor(1) }, { metadata: { version: "3", author: 'x "y"' } });
    const { metadata } = loadTensors(bytes);
    expect([...metadata]).toEqual([
      ["author", 'x "y"'],
      ["curv", '{"w":"*"}'],
      ["version", "3"],
    ]);
  });

  test("without structure the keys are the names, for other programs", () => {
    const tensors = { "model.layers.0.weight": tensor([1]), "model.norm": tensor([2]) };
    const bytes = save(tensors, { structure: false, metadata: { format: "pt" } });
    expect([...loadTensors(bytes).tensors.keys()]).toEqual(["model.layers.0.weight", "model.norm"]);
    expect(headerOf(bytes)).not.toContain("curv");
    expect(headerOf(save(tensors, { structure: false }))).not.toContain("__metadata__");
  });

  test.each([
    ['save: the key "a.b" contains "."; names are keys joined by ".".', () => save({ "a.b": tensor(1) })],
    ['save: the key "__metadata__" is reserved by the format.', () => save({ __metadata__: tensor(1) })],
    ['save: "\\ud800" is not well-formed Unicode.', () => save({ "\ud800": tensor(1) })],
    ["save: tree.a[1] is a number; leaves must be Tensors.", () => save({ a: [tensor(1), 2] } as never)],
    ["save: the name xxxxxxxxxxxxxxxx… has 5000 bytes; at most 4096.", () => save({ ["x".repeat(5000)]: tensor(1) })],
    [
      "save: without its structure a tree must be one object of tensors; a.b is not a key of it.",
      () => save({ a: { b: tensor(1) } }, { structure: false }),
    ],
    [
      "save: metadata.curv is where the structure of the tree goes.",
      () => save({ a: tensor(1) }, { metadata: { curv: "" } }),
    ],
    ["save: metadata.n is a number; wants a string.", () => save({ a: tensor(1) }, { metadata: { n: 1 as never } })],
  ])("refuses: %s", (message, call) => {
    expect(call).toThrow(message as string);
  });
});

describe("files of the reference writer", () => {
  test("every element type that fits", () => {
    const { tensors, metadata } = loadTensors(file("dtypes"));
    const read = Object.fromEntries([...tensors].map(([name, x]) => [name, [x.dtype, x.arraySync()]]));
    expect(read).toEqual({
      f64: ["float64", [1.5, -2, 0, 3.25]],
      f32: ["float32", [1.5, -2, 0, 3.25]],
      f16: ["float32", [1.5, -2, 65504, 2 ** -24, Infinity]],
      i64: ["int32", [-2147483648, 2147483647]],
      i32: ["int32", [-5, 2147483647]],
      i16: ["int32", [-32768, 7]],
      i8: ["int32", [-128, 127]],
      u64: ["uint32", [0, 4294967295]],
      u32: ["uint32", [1, 4294967295]],
      u16: ["int32", [1, 65535]],
      u8: ["int32", [1, 255]],
      bool: ["bool", [[true, false, true]]],
      scalar: ["float64", 2.5],
      empty: ["float32", [[], []]],
    });
    expect(tensors.get("empty")!.shape).toEqual([2, 0, 3]);
    expect(metadata.get("note")).toBe('a "quoted" \\ line\nand ü');
  });

  test("all values of F16 and BF16", () => {
    const every = (type: string): Float32Array => {
      const entry = `{"x":{"dtype":"${type}","shape":[65536],"data_offsets":[0,131072]}}`;
      const bytes = new Uint8Array(8 + entry.length + 131072);
      bytes[0] = entry.length;
      bytes.set(new TextEncoder().encode(entry), 8);
      const view = new DataView(bytes.buffer);
      for (let i = 0; i < 65536; i++) view.setUint16(8 + entry.length + 2 * i, i, true);
      return loadTensors(bytes).tensors.get("x")!.dataSync() as Float32Array;
    };
    const upper = new Float32Array(Uint32Array.from({ length: 65536 }, (_, i) => i << 16).buffer);
    expect(every("BF16").every((v, i) => Object.is(v, upper[i]))).toBe(true);
    const half = every("F16");
    expect([half[0x0001], half[0x03ff], half[0x0400], half[0x3555], half[0x7bff], half[0xfc00]]).toEqual([
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
      0.333251953125,
      65504,
      -Infinity,
    ]);
    expect(Object.is(half[0x8000], -0)).toBe(true);
    expect(half.filter(Number.isNaN).length).toBe(2 * 1023);
    // Ascending bits of one sign are ascending numbers.
    expect(half.subarray(1, 0x7c01).every((v, i) => v > half[i])).toBe(true);
  });

  test("BF16", () => {
    expect(loadTensors(file("bfloat16")).tensors.get("w")!.arraySync()).toEqual([
      [1, -2.5],
      [Infinity, 2 ** -133],
    ]);
  });

  test("names with dots are nested objects; loadTensors has them as they are", () => {
    const { tensors } = loadTensors(file("names"));
    expect([...tensors.keys()].sort()).toEqual(
      [
        "model.layers.0.weight",
        "model.layers.0.bias",
        "model.norm",
        "ü",
        "😀",
        "\ufffd",
        'say "x"\n',
        "__proto__",
        "constructor",
      ].sort(),
    );
    const tree = load<{ model: { layers: Record<string, { weight: Tensor }>; norm: Tensor } }>(file("names"));
    expect(tree.model.layers[0].weight.arraySync()).toEqual([0]);
    expect(tree.model.norm.arraySync()).toEqual([2]);
    expect(Object.getPrototypeOf(tree)).toBe(null);
    expect(Object.keys(tree)).toContain("__proto__");
  });

  test("no tensors", () => {
    expect(loadTensors(file("nothing")).tensors.size).toBe(0);
    expect(Object.keys(load<object>(file("nothing")))).toEqual([]);
  });

  test("types and integers that no tensor holds are refused by name; other tensors of the file can be read", async () => {
    expect(() => load(file("float8"))).toThrow(
      "safetensors: w: dtype F8_E4M3 is not supported; reads F64, F32, I32, U32, BOOL, F16, BF16, I8, U8, I16, U16, I64, U64.",
    );
    const lazy = await loadLazy(new Blob([file("float8") as BlobPart]));
    expect((await lazy.tensor("b")).arraySync()).toEqual([1]);
    await expect(lazy.tensor("w")).rejects.toThrow("F8_E4M3 is not supported");
    expect(() => load(file("large integers"))).toThrow(
      "safetensors: ids: element 1 of I64 is 1099511627776, which int32 cannot hold.",
    );
  });
});

describe("lazy reading", () => {
  test("reads the header, then only what is asked for", async () => {
    const bytes = save(ownTree);
    const reads: [number, number][] = [];
    const source = {
      size: bytes.length,
      read: async (begin: number, end: number) => {
        reads.push([begin, end]);
        return bytes.subarray(begin, end);
      },
    };
    const lazy = await loadLazy(source);
    const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(reads).toEqual([
      [0, 8],
      [8, header],
    ]);
    expect(lazy.tensors.get("layers.0.w")).toMatchObject({ type: "F32", shape: [2, 2] });
    expect((await lazy.tensor("layers.0.w")).arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(reads[2][1] - reads[2][0]).toBe(16);
    expect((await lazy.tensor("layers.1.w")).shape).toEqual([0, 3]);
    expect(reads.length).toBe(3);
    expect(describeTree(await lazy.tree())).toEqual(describeTree(ownTree));
    await expect(lazy.tensor("nope")).rejects.toThrow('safetensors: the file has no tensor "nope".');
  });

  test("a reader that gives too little is found out", async () => {
    const bytes = save(ownTree);
    const short = {
      size: bytes.length,
      read: async (begin: number, end: number) => bytes.subarray(begin, Math.min(end, 300)),
    };
    const lazy = loadLazy(short).then((file) => file.tree());
    await expect(lazy).rejects.toThrow(/^safetensors: asked for bytes \d+ to \d+, got \d+\.$/);
    await expect(loadLazy(new Blob(["abc"]))).rejects.toThrow(
      "safetensors: file has 3 bytes; the header length alone is 8.",
    );
  });
});
