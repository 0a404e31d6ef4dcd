/**
 * Factorisations by cuSOLVER. Its matrices are column-major and ours row-major, so what lies in memory is a transpose to one of the two: a
 * symmetric matrix is passed as it lies with the other triangle named, a wide matrix is decomposed as its tall transpose, and the others
 * are transposed by a copy.
 *
 * Signs are those of the CPU: diag R ≥ 0, and of each eigenvector and left singular vector the first nearly largest component is positive.
 * A matrix with NaN or an infinity is not shown to the library: its factors are NaN, its info −1.
 */

import type { DType, Equation, Shape } from "@curv/tensor";
import * as linalg from "../codegen/linalg.js";
import {
  jacobiThreads,
  mostJacobiColumns,
  mostStripColumns,
  printJacobi,
  printJacobiEnd,
  printJacobiRound,
  printJacobiStart,
  stripColumns,
  stripSweeps,
} from "../codegen/jacobi.js";
import type { Value } from "../expression.js";
import type { FloatType } from "../lib/cusolver.js";
import { indexArguments, type Planner } from "../planner.js";
import { addressOf, type PlannedArgument } from "../plan.js";
import { broadcastView, sizeOf, transposeView, type View } from "../view.js";
import { chain } from "./elementwise.js";
import { callLibrary } from "./library.js";
import { fresh, launchOver, paramsOf, type Lower } from "./lowering.js";
import { reduceValue } from "./reduce.js";

/** A batch of small matrices goes to the library at once; of larger ones each is work enough for the card. */
const mostBatched = 128;
/** Rows of the matrices of a batch whose orthogonal factors are formed at once. */
const mostReflected = 1024;
/** Up to this order the library's Jacobi rotations take a batch at once. */
const mostRotated = 32;
/** Up to this order its other method for batches does; one larger matrix is work enough for the card. */
const mostTogether = 1024;

const threads = linalg.linalgThreads;

interface Batch {
  readonly type: FloatType;
  /** Leading axes. */
  readonly leading: Shape;
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
}

function batchOf({ dtype, shape }: Pick<View, "dtype" | "shape">): Batch {
  const leading = shape.slice(0, -2);
  const [rows, columns] = shape.slice(-2);
  return { type: dtype as FloatType, leading, count: sizeOf(leading), rows, columns };
}

/** Bytes from one to the next, of matrices or vectors of so many elements. */
function bytesOf(type: FloatType | "int32", elements: number): bigint {
  return BigInt(elements * (type === "float64" ? 8 : 4));
}

/** Matrices transposed, as strides. */
function transposed(x: View): View {
  const last = x.shape.length - 1;
  return transposeView(x, [...x.shape.slice(0, -2).map((_, i) => i), last, last - 1]);
}

/** A new array with the elements of a value. */
function copyOf(planner: Planner, value: Value, dtype: DType): View {
  const x = fresh(planner, { dtype, shape: value.shape });
  planner.emitCopy(value, x);
  return x;
}

/** One element of a matrix of the batch seen as a whole matrix, or as a vector of each. */
function spread(perMatrix: View, shape: Shape): View {
  return broadcastView(
    perMatrix,
    shape,
    perMatrix.shape.map((_, i) => i),
  );
}

/** Addresses of the matrices of a batch. */
function addressesOf(planner: Planner, equation: Equation, x: View, { type, count, rows, columns }: Batch): View {
  const addresses = fresh(planner, { dtype: "float64", shape: [count] });
  launchOver(planner, equation, {
    source: linalg.printAddresses(type),
    name: "curv_addresses",
    n: count,
    threads,
    arrays: [x, addresses],
    numbers: [count, rows * columns],
  });
  return addresses;
}

export const cholesky: Lower = (planner, equation) => {
  const [out, infoOut] = equation.outputs;
  const batch = batchOf(out);
  const { type, count, rows: n } = batch;
  const total = sizeOf(out.shape);
  const x = planner.whole(equation.inputs[0]);
  const [l, infos] = [fresh(planner, out), fresh(planner, infoOut)];
  launchOver(planner, equation, {
    source: linalg.printLowerHalf(type, false),
    name: "curv_lower_half",
    n: total,
    threads,
    arrays: [x, l],
    numbers: [total, n],
  });
  if (count > 1 && n <= mostBatched) {
    const addresses = addressesOf(planner, equation, l, batch);
    callLibrary(planner, equation, {
      reads: [addresses],
      writes: [l, infos],
      recordable: true,
      call: ({ solver }, [pointers, , info]) => solver.choleskyBatched(type, "upper", n, pointers, info, count),
    });
  } else {
    callLibrary(planner, equation, {
      writes: [l, infos],
      recordable: true,
      call: ({ solver }, [a, info]) => {
        for (let i = 0n; i < count; i++) {
          solver.cholesky(type, "upper", n, a + i * bytesOf(type, n * n), info + i * bytesOf("int32", 1));
        }
      },
    });
  }
  launchOver(planner, equation, {
    source: linalg.printPivotCheck(type),
    name: "curv_pivot_check",
    n: count,
    threads,
    arrays: [l, infos],
    numbers: [count, n],
  });
  launchOver(planner, equation, {
    source: linalg.printFactorEnd(type),
    name: "curv_factor_end",
    n: total,
    threads,
    arrays: [l, infos],
    numbers: [total, n],
  });
  planner.set(out, l);
  planner.set(infoOut, infos);
};

export const lu: Lower = (planner, equation) => {
  const [out, orderOut, infoOut] = equation.outputs;
  const batch = batchOf(out);
  const { type, leading, count, rows: m, columns: n } = batch;
  const k = Math.min(m, n);
  const a = copyOf(planner, transposed(planner.view(equation.inputs[0])), type);
  const pivots = fresh(planner, { dtype: "int32", shape: [...leading, k] });
  const infos = fresh(planner, infoOut);
  if (count > 1 && m === n && n <= mostBatched) {
    const addresses = addressesOf(planner, equation, a, batch);
    callLibrary(planner, equation, {
      reads: [addresses],
      writes: [a, pivots, infos],
      recordable: true,
      call: ({ products }, [pointers, , rows, info]) => products.luBatched(type, n, pointers, rows, info, count),
    });
  } else {
    callLibrary(planner, equation, {
      writes: [a, pivots, infos],
      recordable: true,
      call: ({ solver }, [x, rows, info]) => {
        for (let i = 0n; i < count; i++) {
          const own = x + i * bytesOf(type, m * n);
          solver.lu(type, m, n, own, rows + i * bytesOf("int32", k), info + i * bytesOf("int32", 1));
        }
      },
    });
  }
  const order = fresh(planner, orderOut);
  launchOver(planner, equation, {
    source: linalg.printPermutation(),
    name: "curv_permutation",
    n: count,
    threads,
    arrays: [pivots, order],
    numbers: [count, m, k],
  });
  planner.set(out, transposed(a));
  planner.set(orderOut, order);
  planner.set(infoOut, infos);
};

/** Householder's reflectors of matrices [..., m, n], which lie where their columns [..., n, m] lay: R is made of them, too. */
interface Reflectors {
  readonly a: View;
  readonly tau: View;
  readonly m: number;
  readonly n: number;
  /** Whether the library took the batch at once. */
  readonly together: boolean;
}

/** Factorises matrices given by their columns, in place. */
function reflect(planner: Planner, equation: Equation, a: View): Reflectors {
  const { type, leading, count, rows: n, columns: m } = batchOf(a);
  const k = Math.min(m, n);
  const tau = fresh(planner, { dtype: type, shape: [...leading, k] });
  const together = count > 1 && k <= mostBatched && m <= mostReflected;
  if (together) {
    const addresses = addressesOf(planner, equation, a, batchOf(a));
    const factors = addressesOf(planner, equation, tau, { type, leading, count, rows: 1, columns: k });
    callLibrary(planner, equation, {
      reads: [addresses, factors],
      writes: [a, tau],
      recordable: true,
      call: ({ products }, [pointers, taus]) => products.qrBatched(type, m, n, pointers, taus, count),
    });
  } else {
    const infos = fresh(planner, { dtype: "int32", shape: leading });
    callLibrary(planner, equation, {
      writes: [a, tau, infos],
      recordable: true,
      call: ({ solver }, [x, factors, info]) => {
        for (let i = 0n; i < count; i++) {
          solver.qr(type, m, n, x + i * bytesOf(type, m * n), factors + i * bytesOf(type, k), info);
        }
      },
    });
  }
  return { a, tau, m, n, together };
}

/** The orthogonal factor [..., m, columns] that belongs to the triangle whose diagonal is not negative. */
function orthogonalFactor(
  planner: Planner,
  equation: Equation,
  { a, tau, m, n, together }: Reflectors,
  columns: number,
): View {
  const { type, leading, count } = batchOf(a);
  const k = Math.min(m, n);
  // Columns of Q as rows.
  const x = fresh(planner, { dtype: type, shape: [...leading, columns, m] });
  if (together) {
    planner.launch({
      source: linalg.printFormColumns(type),
      name: "curv_form_columns",
      grid: { x: Math.ceil((count * columns) / (threads / 32)) },
      threads,
      args: [a, tau, x].map((y): PlannedArgument => addressOf(y)).concat(indexArguments(true, [count * columns, columns, m, n, k])), // prettier-ignore
      label: `${equation.primitive.name} [${x.shape.join()}]`,
    });
  } else {
    // The library reads the first k as reflectors.
    const part = (y: View): View => ({ ...y, shape: [...leading, k, m] });
    planner.emitCopy(part(a), part(x));
    const infos = fresh(planner, { dtype: "int32", shape: leading });
    callLibrary(planner, equation, {
      reads: [tau],
      writes: [x, infos],
      recordable: true,
      call: ({ solver }, [factors, y, info]) => {
        for (let i = 0n; i < count; i++) {
          const own = y + i * bytesOf(type, m * columns);
          solver.formQ(type, m, columns, k, own, factors + i * bytesOf(type, k), info);
        }
      },
    });
  }
  const q = fresh(planner, { dtype: type, shape: [...leading, m, columns] });
  launchOver(planner, equation, {
    source: linalg.printOrthogonal(type),
    name: "curv_orthogonal",
    n: sizeOf(q.shape),
    threads,
    arrays: [x, a, q],
    numbers: [sizeOf(q.shape), columns, m, n],
  });
  return q;
}

export const qr: Lower = (planner, equation) => {
  const [qOut, rOut] = equation.outputs;
  const { type, rows: m, columns } = batchOf(qOut);
  const [rows, n] = rOut.shape.slice(-2);
  const reflectors = reflect(planner, equation, copyOf(planner, transposed(planner.view(equation.inputs[0])), type));
  const r = fresh(planner, rOut);
  launchOver(planner, equation, {
    source: linalg.printTriangle(type),
    name: "curv_triangle",
    n: sizeOf(r.shape),
    threads,
    arrays: [reflectors.a, r],
    numbers: [sizeOf(r.shape), rows, n, m],
  });
  planner.set(rOut, r);
  planner.set(qOut, orthogonalFactor(planner, equation, reflectors, columns));
};

/** Which matrices of a batch are finite, and the batch with zeros in the place of the others. */
function finiteOnly(planner: Planner, x: View, leading: Shape): { finite: View; safe: Value } {
  const axes = [leading.length, leading.length + 1];
  const each = chain(planner, "isFinite", [x], { dtype: "bool", shape: x.shape }, 1);
  const finite = reduceValue(planner, "min", each, axes, { dtype: "bool", shape: leading });
  const zero = { literal: 0, dtype: x.dtype, shape: x.shape };
  return { finite, safe: chain(planner, "select", [spread(finite, x.shape), x, zero], x, 1) };
}

/** The value where the matrix was finite, else the number. */
function orElse(planner: Planner, finite: View, x: View, otherwise: number): View {
  const { dtype, shape } = x;
  const literal = { literal: otherwise, dtype, shape };
  return planner.stored(chain(planner, "select", [spread(finite, shape), x, literal], { dtype, shape }, 1));
}

/** Signs [..., vectors] of vectors seen as [..., vectors, components]. */
function signsOf(planner: Planner, equation: Equation, v: View, leading: Shape): View {
  const [vectors, n] = v.shape.slice(-2);
  const [vector, component] = v.strides.slice(-2);
  const total = sizeOf(leading) * vectors;
  const signs = fresh(planner, { dtype: v.dtype, shape: [...leading, vectors] });
  // Matrices lie one after the other in a whole array.
  const matrix = planner.arrays[v.array].size / sizeOf(leading);
  planner.launch({
    source: linalg.printSigns(v.dtype as FloatType),
    name: "curv_signs",
    grid: { x: Math.ceil(total / (threads / 32)) },
    threads,
    args: [addressOf(v), addressOf(signs), ...indexArguments(true, [total, vectors, n, matrix, vector, component])],
    label: `${equation.primitive.name} [${v.shape.join()}]`,
  });
  return signs;
}

export const eigh: Lower = (planner, equation) => {
  const { vectors } = paramsOf<{ vectors: boolean }>(equation);
  const [wOut] = equation.outputs;
  const infoOut = equation.outputs[vectors ? 2 : 1];
  const x = planner.whole(equation.inputs[0]);
  const { type, leading, count, rows: n } = batchOf(x);
  const total = sizeOf(x.shape);
  const whole = fresh(planner, x);
  launchOver(planner, equation, {
    source: linalg.printLowerHalf(type, true),
    name: "curv_lower_half",
    n: total,
    threads,
    arrays: [x, whole],
    numbers: [total, n],
  });
  const { finite, safe } = finiteOnly(planner, whole, leading);
  const v = fresh(planner, x);
  planner.emitCopy(safe, v);
  const [w, infos] = [fresh(planner, wOut), fresh(planner, infoOut)];
  if (count > 1 && n <= mostRotated) {
    callLibrary(planner, equation, {
      writes: [v, w, infos],
      recordable: false,
      call: ({ solver }, [a, values, info]) => solver.eighBatched(type, "lower", vectors, n, a, values, info, count),
    });
  } else {
    callLibrary(planner, equation, {
      writes: [v, w, infos],
      recordable: false,
      call: ({ solver }, [a, values, info]) => {
        // The matrix is there in full. Of the triangles, the upper one is that of which no error of the library is known in any type.
        if (count > 1 && n <= mostTogether && solver.eighTogether(type, "upper", vectors, n, a, values, info, count)) return; // prettier-ignore
        for (let i = 0n; i < count; i++) {
          const own = a + i * bytesOf(type, n * n);
          solver.eigh(type, "lower", vectors, n, own, values + i * bytesOf(type, n), info + i * bytesOf("int32", 1));
        }
      },
    });
  }
  planner.set(wOut, orElse(planner, finite, w, NaN));
  planner.set(infoOut, orElse(planner, finite, infos, -1));
  if (!vectors) return;
  // What are columns to the library are rows to us.
  const signs = orElse(planner, finite, signsOf(planner, equation, v, leading), NaN);
  const out = equation.outputs[1];
  const perColumn = { ...spread(signs, out.shape), strides: acrossColumns(signs) };
  planner.set(out, chain(planner, "mul", [transposed(v), perColumn], out, planner.usesOf(out)));
};

/** Strides of [..., columns] seen as [..., rows, columns]. */
function acrossColumns({ strides }: View): number[] {
  return [...strides.slice(0, -1), 0, strides[strides.length - 1]];
}

/** Strides of [..., rows] seen as [..., rows, columns]. */
function acrossRows({ strides }: View): number[] {
  return [...strides, 0];
}

/** What is computed of tall matrices given by their columns: s, and the vectors, if they are wanted, as rows. */
interface SingularVectors {
  /** [..., vectors, rows] */
  readonly left: View;
  /** [..., k, k] */
  readonly right: View;
}

/**
 * By the library: batches up to 32 × 32 at once, others one after the other, which waits for the card each time. (Its method for batches of
 * tall matrices, gesvda, squares them: of singular values below 1e-8 of the largest it leaves nothing right.)
 */
function byLibrary(planner: Planner, equation: Equation, a: View, s: View, infos: View): SingularVectors {
  const { vectors, full, accurate } = paramsOf<SvdParams>(equation);
  const { type, leading, count, rows: k, columns: rows } = batchOf(a);
  const together = count > 1 && rows <= mostRotated;
  const columns = full ? rows : k;
  // Right vectors are the columns of V to gesvd's Vᵀ, the rows of it to gesvdj.
  const made = fresh(planner, { dtype: type, shape: vectors ? [...leading, together ? rows : columns, rows] : [0] });
  const left = vectors ? { ...made, shape: [...leading, columns, rows] } : made;
  const right = fresh(planner, { dtype: type, shape: vectors ? [...leading, k, k] : [0] });
  callLibrary(planner, equation, {
    writes: vectors ? [a, s, infos, left, right] : [a, s, infos],
    recordable: false,
    call: ({ solver }, [matrices, values, info, us = 0n, vs = 0n]) => {
      if (together) {
        solver.svdBatched(type, rows, k, matrices, values, us, vs, info, count);
        return;
      }
      const decompose = accurate ? solver.svdJacobi : solver.svd;
      for (let i = 0n; i < count; i++) {
        const u = vectors ? us + i * bytesOf(type, columns * rows) : 0n;
        const v = vectors ? vs + i * bytesOf(type, k * k) : 0n;
        const own = matrices + i * bytesOf(type, rows * k);
        decompose(type, rows, k, own, values + i * bytesOf(type, k), u, v, full, info + i * bytesOf("int32", 1));
      }
    },
  });
  return { left, right: !vectors || accurate || together ? right : transposed(right) };
}

/**
 * By own kernels: one for matrices that a block can turn, for wider ones a launch for each round of each sweep. Left vectors are the orthogonal
 * factor of U diag(s): all of them are there, whatever the rank is.
 */
function byRotations(planner: Planner, equation: Equation, a: View, s: View, infos: View): SingularVectors {
  const { vectors, full } = paramsOf<SvdParams>(equation);
  const { type, leading, count, rows: k, columns: rows } = batchOf(a);
  const room = (shape: Shape): View => fresh(planner, { dtype: type, shape: vectors ? [...leading, ...shape] : [1] });
  const [turned, scaled, right] = [room([k, k]), room([k, rows]), room([k, k])];
  const launch = (source: string, name: string, blocks: number, arrays: readonly View[], numbers: number[]): void =>
    planner.launch({
      source,
      name,
      grid: { x: blocks },
      threads: jacobiThreads,
      args: arrays.map((y): PlannedArgument => addressOf(y)).concat(indexArguments(true, [rows, k, vectors ? 1 : 0, ...numbers])), // prettier-ignore
      label: `${equation.primitive.name} [${a.shape.join()}]`,
    });
  if (k <= mostJacobiColumns) {
    launch(printJacobi(type), "curv_jacobi", count, [a, turned, scaled, right, s, infos], []);
  } else {
    const scales = fresh(planner, { dtype: type, shape: leading });
    const turns = fresh(planner, { dtype: "int32", shape: [...leading, stripSweeps] });
    launch(printJacobiStart(type), "curv_jacobi_start", count, [a, turned, scales, turns], []);
    // A strip without columns makes the number even.
    const pairs = Math.ceil(k / stripColumns / 2);
    const round = printJacobiRound(type);
    for (let i = 0; i < stripSweeps; i++) {
      for (let j = 0; j < 2 * pairs - 1; j++) {
        launch(round, "curv_jacobi_round", count * pairs, [a, turned, turns], [pairs, i, j]);
      }
    }
    launch(printJacobiEnd(type), "curv_jacobi_end", count, [a, turned, scaled, right, s, scales, turns, infos], []);
  }
  if (!vectors) return { left: scaled, right };
  const q = orthogonalFactor(planner, equation, reflect(planner, equation, scaled), full ? rows : k);
  return { left: transposed(q), right };
}

interface SvdParams {
  readonly vectors: boolean;
  readonly full: boolean;
  readonly accurate: boolean;
}

export const svd: Lower = (planner, equation) => {
  const { vectors, full } = paramsOf<SvdParams>(equation);
  const [sOut] = equation.outputs;
  const infoOut = equation.outputs[vectors ? 3 : 1];
  const x = planner.view(equation.inputs[0]);
  const { type, leading, count, rows: m, columns: n } = batchOf(x);
  // Tall matrices are decomposed: of a wide one, what lies in memory is the transpose already.
  const wide = m < n;
  const [rows, k] = wide ? [n, m] : [m, n];
  const { finite, safe } = finiteOnly(planner, x, leading);
  const a = copyOf(planner, wide ? safe : transposed(planner.stored(safe)), type);
  const [s, infos] = [fresh(planner, sOut), fresh(planner, infoOut)];
  const turns = count > 1 && rows > mostRotated && rows <= mostReflected && k <= mostStripColumns;
  const { left, right } = (turns ? byRotations : byLibrary)(planner, equation, a, s, infos);
  planner.set(sOut, orElse(planner, finite, s, NaN));
  planner.set(infoOut, orElse(planner, finite, infos, -1));
  if (!vectors) return;
  const [, uOut, vtOut] = equation.outputs;
  const [uRows, vRows] = wide ? [right, left] : [left, right];
  const signs = orElse(planner, finite, signsOf(planner, equation, uRows, leading), NaN);
  // The first k of them, if there are more, are those of the rows of Vᵀ.
  const followed: View = { ...signs, shape: [...leading, k] };
  const u = chain(
    planner,
    "mul",
    [transposed(uRows), { ...spread(signs, uOut.shape), strides: acrossColumns(signs) }],
    uOut,
    planner.usesOf(uOut),
  );
  planner.set(uOut, u);
  if (full && wide) {
    // Rows of Vᵀ beyond those that belong to columns of U have signs of their own.
    const own = orElse(planner, finite, signsOf(planner, equation, vRows, leading), NaN);
    planner.emitCopy(followed, { ...own, shape: [...leading, k] });
    const scaled = [vRows, { ...spread(own, vtOut.shape), strides: acrossRows(own) }];
    planner.set(vtOut, chain(planner, "mul", scaled, vtOut, planner.usesOf(vtOut)));
    return;
  }
  const scaled = [vRows, { ...spread(followed, vtOut.shape), strides: acrossRows(signs) }];
  planner.set(vtOut, chain(planner, "mul", scaled, vtOut, planner.usesOf(vtOut)));
};

export const triangularSolve: Lower = (planner, equation) => {
  const { lower, transpose, unit } = paramsOf<{ lower: boolean; transpose: boolean; unit: boolean }>(equation);
  const [out] = equation.outputs;
  const a = planner.whole(equation.inputs[0]);
  const { type, count, rows: n, columns } = batchOf(out);
  const x = copyOf(planner, planner.view(equation.inputs[1]), type);
  // op(A) X = B, transposed: Xᵀ op(A)ᵀ = Bᵀ, and what lies in memory are Xᵀ, Aᵀ and Bᵀ to the library.
  const options = { upper: lower, transpose, unit };
  if (count > 1 && n <= mostBatched) {
    const [matrices, sides] = [
      addressesOf(planner, equation, a, batchOf(a)),
      addressesOf(planner, equation, x, batchOf(out)),
    ];
    callLibrary(planner, equation, {
      reads: [matrices, sides, a],
      writes: [x],
      recordable: true,
      call: ({ products }, [of, on]) => products.solveFromRight(type, options, columns, n, of, on, count),
    });
  } else {
    callLibrary(planner, equation, {
      reads: [a],
      writes: [x],
      recordable: true,
      call: ({ products }, [of, on]) => {
        for (let i = 0n; i < count; i++) {
          const [own, side] = [of + i * bytesOf(type, n * n), on + i * bytesOf(type, n * columns)];
          products.solveFromRight(type, options, columns, n, own, side);
        }
      },
    });
  }
  planner.set(out, x);
};
