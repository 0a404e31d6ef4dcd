/** Factorisations and functions of matrices, on matrices with well-separated spectra. */

import { eye } from "../../create.js";
import { matmul } from "../../ops/dot.js";
import { expandDims, matrixTranspose } from "../../ops/movement.js";
import { choleskyPrimitive } from "../../primitives/linalg/cholesky.js";
import { eigPrimitive } from "../../primitives/linalg/eig.js";
import { eighPrimitive } from "../../primitives/linalg/eigh.js";
import { expmDerivativePrimitive, expmPrimitive } from "../../primitives/linalg/expm.js";
import { luPrimitive } from "../../primitives/linalg/lu.js";
import { qrPrimitive } from "../../primitives/linalg/qr.js";
import { svdPrimitive, type SvdParams } from "../../primitives/linalg/svd.js";
import { triangularSolvePrimitive } from "../../primitives/linalg/triangular-solve.js";
import type { Shape } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import { entry, floats, type Accuracy, type Entry, type Example } from "../example.js";
import { real } from "../operand.js";

/** Of factorisations and their derivatives at these matrices. */
const condition = 100;
const accuracy: Accuracy = { norm: 500 };

const squares: readonly Shape[] = [[3, 3], [1, 1], [4, 4], [0, 0], [2, 0, 0], [0, 2, 2], [2, 3, 3], [1, 2, 1, 1, 2, 2]]; // prettier-ignore
const rectangles: readonly Shape[] = [...squares, [4, 2], [2, 4], [3, 0], [0, 3], [2, 3, 2], [2, 2, 3]];

function identityLike(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  return eye(n, n, { dtype: x.dtype });
}

/** X Xᵀ + 2I. */
const positiveDefinite = ([x]: readonly Tensor[]): Tensor[] => [
  matmul(x, matrixTranspose(x)).add(identityLike(x).mul(2)),
];
/** X + Xᵀ. */
const symmetric = ([x]: readonly Tensor[]): Tensor[] => [x.add(matrixTranspose(x))];
/** A diagonal away from 0. */
const dominant = ([a, b]: readonly Tensor[]): Tensor[] => [a.add(identityLike(a).mul(4)), b];

/** The projector on the columns of x from `from` on. */
function projector(x: Tensor, from: number): Tensor {
  const columns = x.slice("...", [from]);
  return matmul(columns, matrixTranspose(columns));
}

/** v_j v_jᴴ for each eigenvector: what does not depend on its phase. */
function withoutPhase([wr, wi, vr, vi]: readonly Tensor[]): Tensor[] {
  const [a, b] = [expandDims(vr, -2), expandDims(vi, -2)];
  const [c, d] = [expandDims(vr, -3), expandDims(vi, -3)];
  return [wr, wi, a.mul(c).add(b.mul(d)), b.mul(c).sub(a.mul(d))];
}

function svdExamples(params: SvdParams, title: string): Example<SvdParams>[] {
  return rectangles.map((shape) => ({
    title: `${title} of [${shape.join(", ")}]`,
    params,
    operands: [real(shape)],
    condition,
    ...(params.full && {
      observe: ([s, u, vt]: readonly Tensor[]) => [
        s,
        projector(u, s.shape[s.rank - 1]),
        projector(matrixTranspose(vt), s.shape[s.rank - 1]),
      ],
    }),
  }));
}

const triangles = [false, true].flatMap((lower) =>
  [false, true].flatMap((transpose) => [false, true].map((unit) => ({ lower, transpose, unit }))),
);

export const linalgEntries: readonly Entry[] = [
  entry(
    choleskyPrimitive,
    floats,
    accuracy,
    squares.map((shape) => ({ params: null, operands: [real(shape)], prepare: positiveDefinite, condition })),
  ),
  entry(triangularSolvePrimitive, floats, accuracy, [
    ...triangles.map((params) => ({
      title: Object.entries(params)
        .map(([name, on]) => `${name} ${on}`)
        .join(", "),
      params,
      operands: [real([3, 3], -1, 1), real([3, 2])],
      prepare: dominant,
      condition,
    })),
    ...[
      [[0, 0], [0, 2]],
      [[2, 2], [2, 0]],
      [[2, 3, 3], [2, 3, 1]],
      [[1, 2, 1, 1, 2, 2], [1, 2, 1, 1, 2, 1]],
    ].map(([a, b]) => ({ params: triangles[0], operands: [real(a, -1, 1), real(b)], prepare: dominant, condition })),
  ]), // prettier-ignore
  entry(
    luPrimitive,
    floats,
    accuracy,
    rectangles.map((shape) => ({ params: null, operands: [real(shape)], condition })),
  ),
  entry(qrPrimitive, floats, accuracy, [
    ...rectangles.map((shape) => ({ params: { complete: false }, operands: [real(shape)], condition })),
    { title: "complete, square", params: { complete: true }, operands: [real([3, 3])], condition },
    { title: "complete, tall", params: { complete: true }, operands: [real([4, 2])], smooth: null },
  ]),
  entry(
    eighPrimitive,
    floats,
    accuracy,
    [true, false].flatMap((vectors) =>
      squares.map((shape) => ({
        title: `${vectors ? "vectors" : "values"} of [${shape.join(", ")}]`,
        params: { vectors },
        operands: [real(shape)],
        prepare: symmetric,
        condition,
      })),
    ),
  ),
  entry(svdPrimitive, floats, accuracy, [
    ...svdExamples({ vectors: true, full: false, accurate: false }, "thin"),
    ...svdExamples({ vectors: false, full: false, accurate: false }, "values"),
    ...svdExamples({ vectors: true, full: true, accurate: false }, "full"),
    ...svdExamples({ vectors: true, full: false, accurate: true }, "accurate"),
  ]),
  entry(eigPrimitive, floats, accuracy, [
    ...squares.map((shape) => ({
      title: `vectors of [${shape.join(", ")}]`,
      params: { vectors: true },
      operands: [real(shape)],
      observe: withoutPhase,
      condition,
    })),
    ...squares.map((shape) => ({
      title: `values of [${shape.join(", ")}]`,
      params: { vectors: false },
      operands: [real(shape)],
      condition,
    })),
  ]),
  entry(
    expmPrimitive,
    floats,
    accuracy,
    squares.map((shape) => ({ params: null, operands: [real(shape)], condition })),
  ),
  entry(
    expmDerivativePrimitive,
    floats,
    accuracy,
    squares.map((shape) => ({ params: null, operands: [real(shape), real(shape)], condition })),
  ),
];
