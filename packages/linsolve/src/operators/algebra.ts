/** Operators made of operators: sums, multiples, products, transposes, blocks, Kronecker products, inverses. */

import { concat, DomainError, isTensor, ShapeError, type Tensor } from "@curv/tensor";
import { kronMatmul } from "@curv/tensor/linalg";
import { expectArguments } from "../arguments.js";
import { fromVectors, type AnyOperator, type LinearOperator, type Structure } from "../linear-operator.js";
import { vectors, type FloatDType, type VectorSpace } from "../vector-space.js";

function sameShapes(a: AnyOperator, b: AnyOperator, caller: string): void {
  expectArguments(caller, { a: [a, "operator"], b: [b, "operator"] });
  if (a.shape.join() !== b.shape.join()) {
    throw new ShapeError(
      `${caller}: the operators are ${a.shape.join(" × ")} and ${b.shape.join(" × ")}; wants them alike.`,
    );
  }
}

/** A + B. */
export function addOperators<X, Y>(a: LinearOperator<X, Y>, b: LinearOperator<X, Y>): LinearOperator<X, Y> {
  sameShapes(a, b, "addOperators");
  return fromVectors({
    domain: a.domain,
    range: a.range,
    symmetric: a.symmetric && b.symmetric,
    positiveSemidefinite: a.positiveSemidefinite && b.positiveSemidefinite,
    eager: a.eager || b.eager,
    matvec: (v) => a.matvec(v).add(b.matvec(v)),
    rmatvec: (u) => a.rmatvec(u).add(b.rmatvec(u)),
    matmat: (v) => a.matmat(v).add(b.matmat(v)),
    rmatmat: (u) => a.rmatmat(u).add(b.rmatmat(u)),
  });
}

/**
 * c·A.
 *
 * @throws DomainError if `c` is NaN or infinite.
 */
export function scaleOperator<X, Y>(c: number, a: LinearOperator<X, Y>): LinearOperator<X, Y> {
  expectArguments("scaleOperator", { a: [a, "operator"] });
  if (!Number.isFinite(c)) throw new DomainError(`scaleOperator: c is ${c}; wants a finite number.`);
  return fromVectors({
    ...a,
    positiveSemidefinite: a.positiveSemidefinite && c >= 0,
    matvec: (v) => a.matvec(v).mul(c),
    rmatvec: (u) => a.rmatvec(u).mul(c),
    matmat: (v) => a.matmat(v).mul(c),
    rmatmat: (u) => a.rmatmat(u).mul(c),
  });
}

/**
 * A + c·I for a square A: damping.
 *
 * @throws ShapeError if A is not square; DomainError if `c` is a number that is NaN or infinite.
 */
export function shiftOperator<X>(a: LinearOperator<X>, c: number | Tensor): LinearOperator<X> {
  square(a, "shiftOperator");
  if (!isTensor(c) && !Number.isFinite(c)) {
    throw new DomainError(`shiftOperator: c is ${String(c)}; wants a finite number, or a Tensor.`);
  }
  return fromVectors({
    ...a,
    positiveSemidefinite: a.positiveSemidefinite && typeof c === "number" && c >= 0,
    matvec: (v) => a.matvec(v).add(v.mul(c)),
    rmatvec: (u) => a.rmatvec(u).add(u.mul(c)),
    matmat: (v) => a.matmat(v).add(v.mul(c)),
    rmatmat: (u) => a.rmatmat(u).add(u.mul(c)),
  });
}

/** A·B: first B, then A. */
export function composeOperators<X, Y, Z>(a: LinearOperator<Y, Z>, b: LinearOperator<X, Y>): LinearOperator<X, Z> {
  expectArguments("composeOperators", { a: [a, "operator"], b: [b, "operator"] });
  if (a.shape[1] !== b.shape[0]) {
    throw new ShapeError(
      `composeOperators: A is ${a.shape.join(" × ")}, B is ${b.shape.join(" × ")}; wants as many columns of A as rows of B.`,
    );
  }
  return fromVectors({
    domain: b.domain,
    range: a.range,
    symmetric: false,
    positiveSemidefinite: false,
    eager: a.eager || b.eager,
    matvec: (v) => a.matvec(b.matvec(v)),
    rmatvec: (u) => b.rmatvec(a.rmatvec(u)),
    matmat: (v) => a.matmat(b.matmat(v)),
    rmatmat: (u) => b.rmatmat(a.rmatmat(u)),
  });
}

/** AᵀA, which is positive semi-definite. */
export function gramOperator<X, Y>(a: LinearOperator<X, Y>): LinearOperator<X> {
  expectArguments("gramOperator", { a: [a, "operator"] });
  const vector = (v: Tensor): Tensor => a.rmatvec(a.matvec(v));
  const columns = (v: Tensor): Tensor => a.rmatmat(a.matmat(v));
  return fromVectors({
    domain: a.domain,
    range: a.domain,
    symmetric: true,
    positiveSemidefinite: true,
    eager: a.eager,
    matvec: vector,
    rmatvec: vector,
    matmat: columns,
    rmatmat: columns,
  });
}

/** Aᵀ. */
export function transposeOperator<X, Y>(a: LinearOperator<X, Y>): LinearOperator<Y, X> {
  expectArguments("transposeOperator", { a: [a, "operator"] });
  return fromVectors({
    domain: a.range,
    range: a.domain,
    symmetric: a.symmetric,
    positiveSemidefinite: a.positiveSemidefinite,
    eager: a.eager,
    matvec: a.rmatvec,
    rmatvec: a.matvec,
    matmat: a.rmatmat,
    rmatmat: a.matmat,
  });
}

/**
 * A⁻¹ by a solver, which is called for each product: `inverseOperator(a, (a, b) => cgCore(a, b).x)`.
 *
 * @param solve - b ↦ x with A x = b, for vectors; must be traceable unless A is eager.
 */
export function inverseOperator<X>(
  a: LinearOperator<X>,
  solve: (a: LinearOperator, b: Tensor) => Tensor,
): LinearOperator<X> {
  square(a, "inverseOperator");
  expectArguments("inverseOperator", { solve: [solve, "function"] });
  const forward = asVectors(a);
  const backward = a.symmetric ? forward : transposeOperator(forward);
  return fromVectors({
    ...a,
    matvec: (v) => solve(forward, v),
    rmatvec: (u) => solve(backward, u),
    matmat: undefined as never,
    rmatmat: undefined as never,
  });
}

/** The same matrix on plain vectors. */
export function asVectors(a: AnyOperator): LinearOperator {
  expectArguments("asVectors", { a: [a, "operator"] });
  const space = (size: number): VectorSpace<Tensor> => vectors(size, a.dtype);
  return fromVectors({ ...a, domain: space(a.shape[1]), range: space(a.shape[0]) });
}

/** diag(A₁, A₂, …): each block on its own part of the vector. */
export function blockDiagonalOperator(blocks: readonly AnyOperator[]): LinearOperator {
  expectArguments("blockDiagonalOperator", { blocks: [blocks, "list"] });
  for (const [i, block] of blocks.entries()) {
    expectArguments("blockDiagonalOperator", { [`blocks[${i}]`]: [block, "operator"] });
  }
  if (blocks.length === 0) throw new DomainError("blockDiagonalOperator: there are no blocks; wants at least one.");
  const rows = starts(blocks.map(({ shape }) => shape[0]));
  const columns = starts(blocks.map(({ shape }) => shape[1]));
  const each =
    (name: "matvec" | "rmatvec" | "matmat" | "rmatmat", from: readonly number[]) =>
    (v: Tensor): Tensor =>
      concat(
        blocks.map((block, i) => block[name](v.slice([from[i], from[i + 1]]))),
        0,
      );
  const { dtype } = blocks[0];
  return fromVectors({
    domain: vectors(columns[blocks.length], dtype),
    range: vectors(rows[blocks.length], dtype),
    symmetric: blocks.every(({ symmetric }) => symmetric),
    positiveSemidefinite: blocks.every(({ positiveSemidefinite }) => positiveSemidefinite),
    eager: blocks.some(({ eager }) => eager),
    matvec: each("matvec", columns),
    rmatvec: each("rmatvec", rows),
    matmat: each("matmat", columns),
    rmatmat: each("rmatmat", rows),
  });
}

function starts(sizes: readonly number[]): number[] {
  return sizes.reduce<number[]>((list, size) => [...list, list[list.length - 1] + size], [0]);
}

/** A₁ ⊗ A₂ ⊗ … of matrices, applied factor by factor. */
export function kroneckerOperator(factors: readonly Tensor[], structure: Structure = {}): LinearOperator {
  expectArguments("kroneckerOperator", { factors: [factors, "list"], options: [structure, "options"] });
  const { symmetric = false, positiveSemidefinite = false } = structure;
  if (factors.length === 0 || factors.some((factor) => !isTensor(factor) || factor.rank !== 2)) {
    throw new ShapeError("kroneckerOperator: factors holds what is no matrix, or nothing; wants one matrix or more.");
  }
  const size = (axis: number): number => factors.reduce((product, { shape }) => product * shape[axis], 1);
  const transposed = factors.map((a) => a.transpose());
  const dtype = factors[0].dtype as FloatDType;
  const forward = (v: Tensor): Tensor => kronMatmul(factors, v);
  const backward = (u: Tensor): Tensor => kronMatmul(transposed, u);
  return fromVectors({
    domain: vectors(size(1), dtype),
    range: vectors(size(0), dtype),
    symmetric: symmetric || positiveSemidefinite,
    positiveSemidefinite,
    matvec: forward,
    rmatvec: backward,
    matmat: forward,
    rmatmat: backward,
  });
}

/** @throws ShapeError unless A is square; DomainError for what is no operator. */
export function square(a: AnyOperator, caller: string): void {
  expectArguments(caller, { a: [a, "operator"] });
  if (a.shape[0] !== a.shape[1]) {
    throw new ShapeError(`${caller}: the operator is ${a.shape.join(" × ")}; wants a square one.`);
  }
}
