/**
 * Matrix product: C = A·B with any strides of A and B.
 *
 * B is packed in panels of NR columns, A in panels of 4 rows, so that the micro-kernel reads both with step 1 and holds a 4 × NR tile of
 * C in 8 vectors: V8 has 15 to give, and 8 sums, 4 splats, 2 vectors of B and a product fill them. Every element of C is summed over k in
 * order, so its bits depend on nothing but the operands.
 */

import { FunctionBody, i32, ModuleBuilder, op, v128, type ImportedFunction } from "./module.js";
import { itemSize } from "../../dtype.js";
import { externalProducts } from "../external-products.js";
import { emitMatrixVector } from "./matrix-vector.js";
import { kernelMemory } from "./memory.js";

const blockDepth = 256;
const blockRows = 64;
const blockColumns = 512;
/** Rows of a tile. */
const tileRows = 4;

/** matmul(m, n, k, a, aRow, aColumn, b, bRow, bColumn, c, cRow, work): addresses and strides in bytes; `cRow` between rows of C. */
export type MatmulFunction = (
  m: number, n: number, k: number,
  a: number, aRow: number, aColumn: number,
  b: number, bRow: number, bColumn: number,
  c: number, cRow: number, work: number,
) => void; // prettier-ignore

const matmulParams: readonly number[] = [i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32];

/** How a module imports the product of a dtype: Curv's own, or that of a library from outside. */
export function importedMatmul(dtype: "float32" | "float64"): ImportedFunction {
  const { multiply: own } = matmulLibrary(dtype);
  const products = externalProducts();
  if (products === null) {
    return { name: dtype === "float32" ? "matmul32" : "matmul64", params: matmulParams, results: [], call: own };
  }
  const memory = kernelMemory()!;
  const size = itemSize(dtype);
  const call: MatmulFunction = (m, n, k, a, aRow, aColumn, b, bRow, bColumn, c, cRow, work) => {
    const array = memory.arrays[dtype];
    const left = { data: array.subarray(a / size), row: aRow / size, column: aColumn / size };
    const right = { data: array.subarray(b / size), row: bRow / size, column: bColumn / size };
    const out = array.subarray(c / size, c / size + m * n);
    if (cRow !== n * size || !products.multiply(dtype, m, n, k, left, right, out)) {
      own(m, n, k, a, aRow, aColumn, b, bRow, bColumn, c, cRow, work);
    }
  };
  // Without a name: the library is for the main thread alone, and has threads of its own.
  return { params: matmulParams, results: [], call };
}

/** The product of a dtype. */
interface MatmulLibrary {
  readonly module: WebAssembly.Module;
  readonly multiply: MatmulFunction;
}

const libraries = new Map<"float32" | "float64", MatmulLibrary>();

/** What becomes of C: A·B, C + A·B or C − A·B. The sums over k begin with C, so their order is the same. */
export type MatmulUpdate = "store" | "add" | "subtract";

/**
 * Adds to a module, for each name, the product with that update.
 *
 * @returns The indices of the functions, in the order of the names.
 */
export function addMatmuls(
  module: ModuleBuilder,
  bits: 32 | 64,
  updates: Readonly<Record<string, MatmulUpdate>>,
): readonly number[] {
  const packA = module.add(emitPack(bits, tileRows));
  const packB = module.add(emitPack(bits, columnsOf(bits)));
  return Object.entries(updates).map(([name, update]) => {
    const micro = module.add(emitMicroKernel(bits, update === "subtract"));
    const packed = module.add(emitMatmul(bits, micro, packA, packB, update !== "store"));
    return module.add(emitDispatch(bits, packed, module.add(emitMatrixVector(bits, update))), name);
  });
}

/** A product with a vector goes its own way: to pack the matrix would cost as much as the product. */
function emitDispatch(bits: 32 | 64, packed: number, matrixVector: number): FunctionBody {
  const [m, n, k, a, aRow, aColumn, b, bRow, bColumn, c, cRow, work] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  const body = new FunctionBody(matmulParams);
  const passing = (locals: readonly number[]): FunctionBody => locals.reduce((to, local) => to.get(local), body);
  passing([n]).int(1).emit(op.i32Ne, op.i32Eqz);
  return body.when(
    () => passing([m, k, a, aRow, aColumn, b, bRow, c, cRow]).call(matrixVector),
    () => {
      passing([m]).int(1).emit(op.i32Ne, op.i32Eqz);
      body.when(
        () =>
          passing([n, k, b, bColumn, bRow, a, aColumn, c])
            .int(bits / 8)
            .call(matrixVector),
        () => passing([m, n, k, a, aRow, aColumn, b, bRow, bColumn, c, cRow, work]).call(packed),
      );
    },
  );
}

/** The compiled kernels of a dtype. Only where `kernelMemory()` is not null. */
export function matmulLibrary(dtype: "float32" | "float64"): MatmulLibrary {
  let library = libraries.get(dtype);
  if (library === undefined) {
    const { memory, shared } = kernelMemory()!;
    const builder = new ModuleBuilder(shared);
    const bits = dtype === "float32" ? 32 : 64;
    const name = `matmul${bits}`;
    addMatmuls(builder, bits, { [name]: "store" });
    const { module, exports } = builder.build(memory);
    library = { module, multiply: exports[name] as unknown as MatmulFunction };
    libraries.set(dtype, library);
  }
  return library;
}

/** The kernels of both, for worker threads, which have instances of their own. */
export function matmulModules(): readonly WebAssembly.Module[] {
  return (["float32", "float64"] as const).map((dtype) => matmulLibrary(dtype).module);
}

let mainWorkSpace: number | null = null;

/** Address of the main thread's room for packed panels. */
export function workSpace(): number {
  return (mainWorkSpace ??= allocateWorkSpace());
}

/** Room for the packed panels of one thread. */
export function allocateWorkSpace(): number {
  return kernelMemory()!.allocate(workSpaceBytes);
}

/** Columns of a tile: two vectors. */
const columnsOf = (bits: 32 | 64): number => 256 / bits;
/** A tile of C for the edges, at the start of the work space. */
const tileBytes = tileRows * 32;

/** Bytes of a thread's work space: panels, or the partial sums of a reduction, a vector for each 4096 of as many numbers as there can be. */
export const workSpaceBytes: number = /* @__PURE__ */ Math.max(
  8 * blockDepth * (blockColumns + blockRows) + tileBytes,
  2 ** 21,
);

/** micro(a, b, c, cRow, k, accumulate): the tile of C from packed panels. */
function emitMicroKernel(bits: 32 | 64, subtract: boolean): FunctionBody {
  const [a, b, c, cRow, k, accumulate] = [0, 1, 2, 3, 4, 5];
  const body = new FunctionBody([i32, i32, i32, i32, i32, i32]);
  const mul = bits === 32 ? 0xe6 : 0xf2;
  const add = (bits === 32 ? 0xe4 : 0xf0) + (subtract ? 1 : 0);
  const splat = bits === 32 ? 0x09 : 0x0a;
  const size = bits / 8;
  const sums = Array.from({ length: 2 * tileRows }, () => body.local(v128));
  const b0 = body.local(v128);
  const b1 = body.local(v128);
  const ai = body.local(v128);
  const row = body.local();
  // Starts from C, not from zero to be added later: the sum over k keeps its order across blocks.
  body.get(accumulate).when(() => {
    body.get(c).set(row);
    for (let i = 0; i < tileRows; i++) {
      body
        .get(row)
        .vectorAccess(0x00)
        .set(sums[2 * i]);
      body
        .get(row)
        .vectorAccess(0x00, 16)
        .set(sums[2 * i + 1]);
      if (i + 1 < tileRows) body.get(row).get(cRow).emit(op.i32Add).set(row);
    }
  });
  const step = (at: number): void => {
    body
      .get(b)
      .vectorAccess(0x00, 32 * at)
      .set(b0);
    body
      .get(b)
      .vectorAccess(0x00, 32 * at + 16)
      .set(b1);
    for (let i = 0; i < tileRows; i++) {
      body
        .get(a)
        .vectorAccess(splat, size * (tileRows * at + i))
        .set(ai);
      body
        .get(sums[2 * i])
        .get(ai)
        .get(b0)
        .simd(mul)
        .simd(add)
        .set(sums[2 * i]);
      body
        .get(sums[2 * i + 1])
        .get(ai)
        .get(b1)
        .simd(mul)
        .simd(add)
        .set(sums[2 * i + 1]);
    }
  };
  // Several steps a round with an exit after each: each is a block of its own, which V8 schedules better than one long block.
  const unroll = bits === 32 ? 2 : 4;
  body.emit(op.block, 0x40, op.loop, 0x40);
  for (let i = 0; i < unroll; i++) {
    step(i);
    body.get(k).int(1).emit(op.i32Sub).tee(k).emit(op.i32Eqz, op.brIf, 1);
  }
  body
    .increment(a, unroll * tileRows * size)
    .increment(b, unroll * 32)
    .emit(op.br, 0, op.end, op.end);
  for (let i = 0; i < tileRows; i++) {
    body
      .get(c)
      .get(sums[2 * i])
      .vectorAccess(0x0b);
    body
      .get(c)
      .get(sums[2 * i + 1])
      .vectorAccess(0x0b, 16);
    if (i + 1 < tileRows) body.get(c).get(cRow).emit(op.i32Add).set(c);
  }
  return body;
}

/**
 * pack(from, across, along, count, depth, to): panels of `width` elements that are `across` bytes apart, `depth` such groups that are
 * `along` apart, then the next `width` of `count`; the last panel is filled up with zeros.
 */
function emitPack(bits: 32 | 64, width: number): FunctionBody {
  const [from, across, along, count, depth, to] = [0, 1, 2, 3, 4, 5];
  const body = new FunctionBody([i32, i32, i32, i32, i32, i32]);
  const size = bits / 8;
  const lanes = 16 / size;
  const [loadOp, storeOp] = bits === 32 ? [op.f32Load, op.f32Store] : [op.f64Load, op.f64Store];
  const group = body.local();
  const p = body.local();
  const source = body.local();
  const j = body.local();
  const rowAt = body.local();
  const places = Array.from({ length: width }, () => body.local());
  const rows = Array.from({ length: lanes }, () => body.local(v128));
  const eachGroup = (inner: () => void, step = 1): void => {
    body.countUp(p, () => body.get(depth), step, inner);
  };
  body.int(0).set(group);
  body.countUp(
    group,
    () => body.get(count),
    width,
    () => {
      body.get(from).get(group).get(across).emit(op.i32Mul, op.i32Add).set(source);
      body.int(0).set(p);
      body.get(count).get(group).emit(op.i32Sub).int(width).emit(op.i32GeS);
      body.when(
        () => {
          body.get(across).int(size).emit(op.i32Ne, op.i32Eqz);
          body.when(
            // Neighbours in memory: whole vectors.
            () =>
              eachGroup(() => {
                for (let i = 0; i < width / lanes; i++) {
                  body
                    .get(to)
                    .get(source)
                    .vectorAccess(0x00, 16 * i)
                    .vectorAccess(0x0b, 16 * i);
                }
                body.increment(to, width * size);
                body.get(source).get(along).emit(op.i32Add).set(source);
              }),
            () => {
              for (let i = 0; i < width; i++) {
                body.get(source);
                if (i > 0) body.get(across).int(i).emit(op.i32Mul, op.i32Add);
                body.set(places[i]);
              }
              // The other direction runs along memory: blocks of lanes × lanes are transposed in registers.
              body.get(along).int(size).emit(op.i32Ne, op.i32Eqz);
              body.when(() => {
                const rounded = rowAt;
                body.get(depth).int(-lanes).emit(op.i32And).set(rounded);
                body.countUp(
                  p,
                  () => body.get(rounded),
                  lanes,
                  () => {
                    for (let block = 0; block < width; block += lanes) {
                      for (let i = 0; i < lanes; i++)
                        body
                          .get(places[block + i])
                          .vectorAccess(0x00)
                          .set(rows[i]);
                      transposeInto(body, rows, lanes, (column, put) => {
                        body.get(to);
                        put();
                        body.vectorAccess(0x0b, (column * width + block) * size);
                      });
                    }
                    for (const place of places) body.increment(place, 16);
                    body.increment(to, width * lanes * size);
                  },
                );
              });
              eachGroup(() => {
                places.forEach((place, i) => {
                  body
                    .get(to)
                    .get(place)
                    .access(loadOp)
                    .access(storeOp, i * size);
                  body.get(place).get(along).emit(op.i32Add).set(place);
                });
                body.increment(to, width * size);
              });
            },
          );
        },
        () =>
          eachGroup(() => {
            for (let i = 0; i < width / lanes; i++)
              body
                .get(to)
                .simd(0x0c, ...new Array<number>(16).fill(0))
                .vectorAccess(0x0b, 16 * i);
            body.get(source).set(rowAt);
            body.get(group).set(j);
            const place = places[0];
            body.get(to).set(place);
            body.countUp(
              j,
              () => body.get(count),
              1,
              () => {
                body.get(place).get(rowAt).access(loadOp).access(storeOp);
                body.increment(place, size);
                body.get(rowAt).get(across).emit(op.i32Add).set(rowAt);
              },
            );
            body.increment(to, width * size);
            body.get(source).get(along).emit(op.i32Add).set(source);
          }),
      );
    },
  );
  return body;
}

/** Writes the columns of a lanes × lanes block whose rows are in locals. */
function transposeInto(
  body: FunctionBody,
  rows: readonly number[],
  lanes: number,
  store: (column: number, put: () => void) => void,
): void {
  const bytes = 16 / lanes;
  const lane = (vector: number, index: number): number[] =>
    Array.from({ length: bytes }, (_, i) => vector * 16 + index * bytes + i);
  if (lanes === 2) {
    for (const column of [0, 1]) {
      store(column, () =>
        body
          .get(rows[0])
          .get(rows[1])
          .simd(0x0d, ...lane(0, column), ...lane(1, column)),
      );
    }
    return;
  }
  // Pairs of rows are interleaved, then pairs of pairs.
  for (const half of [0, 2]) {
    const pair = (a: number, b: number): void => {
      const order = [...lane(0, half), ...lane(1, half), ...lane(0, half + 1), ...lane(1, half + 1)];
      body
        .get(rows[a])
        .get(rows[b])
        .simd(0x0d, ...order);
    };
    for (const column of [0, 1]) {
      store(half + column, () => {
        pair(0, 1);
        pair(2, 3);
        body.simd(
          0x0d,
          ...lane(0, 2 * column),
          ...lane(0, 2 * column + 1),
          ...lane(1, 2 * column),
          ...lane(1, 2 * column + 1),
        );
      });
    }
  }
}

function emitMatmul(bits: 32 | 64, micro: number, packA: number, packB: number, update: boolean): FunctionBody {
  const [m, n, k, a, aRow, aColumn, b, bRow, bColumn, c, cRow, work] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  const body = new FunctionBody(matmulParams);
  const size = bits / 8;
  const width = columnsOf(bits);
  const [loadOp, storeOp] = bits === 32 ? [op.f32Load, op.f32Store] : [op.f64Load, op.f64Store];
  const local = (): number => body.local();
  const [jc, pc, ic, jr, ir] = [local(), local(), local(), local(), local()];
  const [columns, depth, rows, packedB, packedA, tile, panelA, panelB] = [
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
  ];
  const [i, j, from, to, high, wide] = [local(), local(), local(), local(), local(), local()];
  /** x = min(all − at, limit). */
  const extent = (x: number, all: number, at: number, limit: number): void => {
    body.get(all).get(at).emit(op.i32Sub).tee(x).int(limit).emit(op.i32GtS);
    body.when(() => body.int(limit).set(x));
  };
  const address = (base: number, index: number, stride: number): FunctionBody =>
    body.get(base).get(index).get(stride).emit(op.i32Mul, op.i32Add);
  /** Whether the sums begin with what C holds. */
  const accumulate = (): FunctionBody => (update ? body.int(1) : body.get(pc));
  const zeroTo = (x: number): FunctionBody => body.int(0).set(x);

  // Without terms the product is zero.
  if (!update) {
    body
      .get(k)
      .emit(op.i32Eqz)
      .when(() => {
        zeroTo(i).countUp(
          i,
          () => body.get(m),
          1,
          () => {
            address(c, i, cRow).set(to);
            zeroTo(j).countUp(
              j,
              () => body.get(n),
              1,
              () => {
                body.get(to);
                if (bits === 32) body.emit(op.f32Const, 0, 0, 0, 0);
                else body.emit(op.f64Const, 0, 0, 0, 0, 0, 0, 0, 0);
                body.access(storeOp).increment(to, size);
              },
            );
          },
        );
      });
  }
  body.get(work).int(tileBytes).emit(op.i32Add).set(packedA);
  body
    .get(packedA)
    .int(blockRows * blockDepth * size)
    .emit(op.i32Add)
    .set(packedB);
  zeroTo(jc).countUp(
    jc,
    () => body.get(n),
    blockColumns,
    () => {
      extent(columns, n, jc, blockColumns);
      zeroTo(pc).countUp(
        pc,
        () => body.get(k),
        blockDepth,
        () => {
          extent(depth, k, pc, blockDepth);
          address(b, jc, bColumn).get(pc).get(bRow).emit(op.i32Mul, op.i32Add);
          body.get(bColumn).get(bRow).get(columns).get(depth).get(packedB).call(packB);
          zeroTo(ic).countUp(
            ic,
            () => body.get(m),
            blockRows,
            () => {
              extent(rows, m, ic, blockRows);
              address(a, ic, aRow).get(pc).get(aColumn).emit(op.i32Mul, op.i32Add);
              body.get(aRow).get(aColumn).get(rows).get(depth).get(packedA).call(packA);
              body.get(packedB).set(panelB);
              zeroTo(jr).countUp(
                jr,
                () => body.get(columns),
                width,
                () => {
                  body.get(packedA).set(panelA);
                  zeroTo(ir).countUp(
                    ir,
                    () => body.get(rows),
                    tileRows,
                    () => {
                      // Where the tile begins in C.
                      body.get(c).get(ic).get(ir).emit(op.i32Add).get(cRow).emit(op.i32Mul, op.i32Add);
                      body.get(jc).get(jr).emit(op.i32Add).int(size).emit(op.i32Mul, op.i32Add).set(tile);
                      body.get(rows).get(ir).emit(op.i32Sub).int(tileRows).emit(op.i32GeS);
                      body.get(columns).get(jr).emit(op.i32Sub).int(width).emit(op.i32GeS, op.i32And);
                      body.when(
                        () => {
                          body.get(panelA).get(panelB).get(tile).get(cRow).get(depth);
                          accumulate().call(micro);
                        },
                        () => {
                          // At an edge the tile is computed aside.
                          extent(high, rows, ir, tileRows);
                          extent(wide, columns, jr, width);
                          const copyTile = (inward: boolean): void => {
                            zeroTo(i).countUp(
                              i,
                              () => body.get(high),
                              1,
                              () => {
                                address(tile, i, cRow).set(from);
                                body.get(work).get(i).int(32).emit(op.i32Mul, op.i32Add).set(to);
                                zeroTo(j).countUp(
                                  j,
                                  () => body.get(wide),
                                  1,
                                  () => {
                                    body
                                      .get(inward ? to : from)
                                      .get(inward ? from : to)
                                      .access(loadOp)
                                      .access(storeOp);
                                    body.increment(from, size).increment(to, size);
                                  },
                                );
                              },
                            );
                          };
                          accumulate().when(() => copyTile(true));
                          body.get(panelA).get(panelB).get(work).int(32).get(depth);
                          accumulate().call(micro);
                          copyTile(false);
                        },
                      );
                      body
                        .get(panelA)
                        .get(depth)
                        .int(tileRows * size)
                        .emit(op.i32Mul, op.i32Add)
                        .set(panelA);
                    },
                  );
                  body
                    .get(panelB)
                    .get(depth)
                    .int(width * size)
                    .emit(op.i32Mul, op.i32Add)
                    .set(panelB);
                },
              );
            },
          );
        },
      );
    },
  );
  return body;
}
