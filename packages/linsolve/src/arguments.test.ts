/** What is not as it is said to be is refused by name (theme-curvature, "Must be true" 9). */

import { DomainError, eye, ones, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import {
  blockJacobiPreconditioner,
  cg,
  chebyshev,
  denseOperator,
  eigsh,
  expectArguments,
  jacobiPreconditioner,
  lanczos,
  lanczosCore,
  linearOperator,
  lobpcg,
  minres,
  nystrom,
  nystromPreconditioner,
  type LinearOperator,
} from "./index.js";

const n = 12;
const v = ones([n], { dtype: "float64" });
const operator = denseOperator(eye(n, n, { dtype: "float64" }), { positiveSemidefinite: true });

/** What a call throws, now or later. */
async function refusal(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("the words", () => {
  const refused = (value: unknown): string => {
    try {
      expectArguments("f", { x: [value, "operator"] });
    } catch (error) {
      return String(error);
    }
    return "taken";
  };
  const wants = "wants a LinearOperator, as linearOperator and denseOperator make.";
  expect(refused(operator)).toBe("taken");
  expect(refused(undefined)).toBe(`DomainError: f: x is undefined; ${wants}`);
  expect(refused("Hessian")).toBe(`DomainError: f: x is "Hessian"; ${wants}`);
  expect(refused(v)).toBe(`DomainError: f: x is a Tensor of shape [12]; ${wants}`);
  expect(refused([1, 2])).toBe(`DomainError: f: x is an array; ${wants}`);
  expect(refused({})).toBe(`DomainError: f: x is an object; ${wants}`);
  expect(refused(new Map())).toBe(`DomainError: f: x is a Map; ${wants}`);
});

test("Jacobi's preconditioners refuse NaN and infinities at once", () => {
  const [some, other] = [tensor(Float64Array.of(1, NaN, 2)), tensor(Float64Array.of(1, 2, Infinity))];
  expect(() => jacobiPreconditioner(some)).toThrow(
    "jacobiPreconditioner: diagonal has NaN at [1]; wants finite numbers.",
  );
  expect(() => jacobiPreconditioner(other)).toThrow("jacobiPreconditioner: diagonal has Infinity at [2]");
  const matrix = tensor(Float64Array.of(1, NaN, 0, 1), { shape: [2, 2] });
  expect(() => blockJacobiPreconditioner(matrix, 1)).toThrow(/blockJacobiPreconditioner: matrix.* has NaN at \[1\]/);
});

describe("an operator that is not what it is said to be", () => {
  type Solver = (a: LinearOperator, v: Tensor) => unknown;
  const key = random.key(3);
  const solvers: Readonly<Record<string, Solver>> = {
    cg: (a, b) => cg(a, b),
    minres: (a, b) => minres(a, b),
    chebyshev: (a, b) => chebyshev(a, b, { lower: 1, upper: 20 }),
    eigsh: (a) => eigsh(a, { k: 2 }),
    lobpcg: (a) => lobpcg(a, { k: 2 }),
    lanczos: (a, start) => lanczos(a, start, { steps: 5 }),
    "lanczos, selective": (a, start) => lanczos(a, start, { steps: 5, reorthogonalise: "selective" }),
    "lanczos, none": (a, start) => lanczos(a, start, { steps: 5, reorthogonalise: "none" }),
    lanczosCore: (a, start) => lanczosCore(a, start, { steps: 5 }),
    nystrom: (a) => nystrom(a, { rank: 4, key }),
    nystromPreconditioner: (a) => nystromPreconditioner(a, { rank: 4, damping: 1, key }),
  };
  /** Symmetric and positive definite but for one entry, which is off by a share of the size. */
  const matrix = (share: number, dtype: "float32" | "float64"): Tensor => {
    const g = random.normal(random.key(1), { shape: [n, n], dtype });
    const spd = g.matmul(g.T).add(eye(n, n, { dtype }));
    const wrong = new Float64Array(n * n);
    wrong[n - 1] = share;
    return spd.add(
      tensor(wrong, { shape: [n, n] })
        .cast(dtype)
        .mul(spd.abs().max()),
    );
  };

  for (const dtype of ["float32", "float64"] as const) {
    const start = random.normal(random.key(2), { shape: [n], dtype });
    describe.each(Object.entries(solvers))(`%s in ${dtype}`, (name, solver) => {
      const method = name.replace(/,.*/, "");
      // Dense, and by a function that cannot be traced.
      const said = (a: Tensor): LinearOperator[] => [
        denseOperator(a, { symmetric: true }),
        linearOperator({ matvec: (x: Tensor) => a.matmul(x), domain: start, symmetric: true, eager: true }),
      ];
      test("refuses it if it is not symmetric", async () => {
        for (const a of said(matrix(0.5, dtype))) {
          const error = await refusal(() => solver(a, start));
          expect(error).toBeInstanceOf(DomainError);
          expect(String(error)).toMatch(`${method}: the operator is not symmetric`);
        }
      });
      test("takes it if only rounding tells it from a symmetric one", async () => {
        for (const a of said(matrix(dtype === "float64" ? 1e-13 : 1e-6, dtype))) {
          expect(await refusal(() => solver(a, start))).toBeUndefined();
        }
      });
    });
  }

  test("the check can be left out", async () => {
    const a = denseOperator(matrix(0.5, "float64"), { symmetric: true });
    const start = random.normal(random.key(2), { shape: [n], dtype: "float64" });
    expect((await lanczos(a, start, { steps: 5, check: false })).alpha).toHaveLength(5);
    expect(await cg(a, start, { check: false, maxIter: 3 })).toMatchObject({ iterations: 3 });
  });

  test.each(["cg", "minres", "eigsh", "lobpcg", "nystrom"])(
    "%s refuses one with negative eigenvalues",
    async (name) => {
      const a = denseOperator(matrix(0, "float64").neg(), { positiveSemidefinite: true });
      const error = await refusal(() =>
        solvers[name](a, random.normal(random.key(2), { shape: [n], dtype: "float64" })),
      );
      expect(String(error)).toMatch(
        new RegExp(`DomainError: ${name}: the operator is (said to be|not) positive semi-definite`),
      );
    },
  );
});
