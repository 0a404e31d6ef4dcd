/** All solvers on 42 systems, side by side with SciPy's (fixtures/make-systems.py). */

import { tensor, type Tensor } from "@curv/tensor";
import { describe, expect, test } from "vitest";
import { noise, systems } from "../test/support/systems.js";
import reference from "./fixtures/systems.json" with { type: "json" };
import {
  bicgstab,
  cg,
  denseOperator,
  gmres,
  lsmr,
  lsqr,
  minres,
  type LinearOperator,
  type SolveResult,
} from "./index.js";

/** SciPy's least and largest count for right-hand sides that differ by a few 1e-16 of themselves. */
type Range = readonly number[];

interface Reference {
  readonly name: string;
  readonly kind: string;
  readonly rhs: string;
  readonly x: readonly number[];
  readonly cg?: number | null;
  readonly minres?: number | null;
  readonly gmres?: number | null;
  readonly bicgstab?: number | null;
  readonly cgRange?: Range | null;
  readonly minresRange?: Range | null;
  readonly gmresRange?: Range | null;
  readonly bicgstabRange?: Range | null;
  readonly lsqr: number;
  readonly lsmr: number;
  readonly lsqrStop: number;
  readonly lsmrStop: number;
}
const matrices = new Map(systems().map((s) => [s.name, s.a]));
const solvers = { cg, minres, gmres, bicgstab } as const;
const length = (x: Tensor): number => x.square().sum().sqrt().itemSync();

/** Whether SciPy's own count moves by more than the tenth that ours may, when b is rounded differently. */
const isChaotic = (r: Reference, name: keyof typeof solvers): boolean => {
  const [wanted, range] = [r[name] ?? null, r[`${name}Range`] ?? null];
  return wanted !== null && (range === null || range[1] - range[0] > Math.max(3, 0.1 * wanted));
};

test("rounding moves SciPy's own counts by more than a tenth on these alone", () => {
  const chaotic = (reference.systems as readonly Reference[]).flatMap((r) =>
    (Object.keys(solvers) as (keyof typeof solvers)[])
      .filter((name) => conditionOf(r.name) <= 1e6 && isChaotic(r, name))
      .map((name) => `${name}: ${r.name}`),
  );
  expect(chaotic).toEqual([
    "bicgstab: spd, κ = 1e2",
    "bicgstab: spd, κ = 1e3",
    "bicgstab: spd, κ = 1e4",
    "gmres: spd, κ = 1e6",
    "bicgstab: spd, κ = 1e6",
    "gmres: indefinite, κ = 1e2",
  ]);
});

/** The exponent in the name. */
const conditionOf = (name: string): number => Number(/κ = (1e\d+)/.exec(name)?.[1] ?? 1e3);

describe.each(reference.systems as readonly Reference[])("$name $rhs", (r) => {
  const a = matrices.get(r.name)!;
  const [rows, columns] = a.shape;
  const b = r.rhs === "consistent" ? a.matmul(noise(columns, 1, 78).reshape([-1])) : noise(rows, 1, 77).reshape([-1]);
  const x = tensor(Float64Array.from(r.x));
  const symmetric = r.kind !== "general" && r.kind !== "rectangular";
  const operator = denseOperator(a, { symmetric });
  const condition = conditionOf(r.name);

  /** Says the truth about itself, and agrees with the reference as far as the condition lets it. */
  const expectHonest = (result: SolveResult): void => {
    const residual = length(b.sub(a.matmul(result.x)));
    expect(Math.abs(result.residual - residual)).toBeLessThanOrEqual(1e-12 * length(b));
    expect(result.converged).toBe(residual <= 1e-8 * length(b) * (1 + 1e-10));
    expect(result.converged).toBe(result.status === "converged");
    expect(result.history.length).toBeGreaterThanOrEqual(result.iterations);
    if (result.converged && r.kind !== "singular") {
      expect(length(result.x.sub(x))).toBeLessThanOrEqual(4e-8 * condition * length(x));
    }
  };

  // Those that are for this kind of matrix.
  const methods = (["cg", "minres", "gmres", "bicgstab"] as const).filter((name) => r[name] !== undefined);
  test.each(methods)("%s", async (name) => {
    const wanted = r[name] ?? null;
    const solve = solvers[name] as (a: LinearOperator, b: Tensor, o: object) => Promise<SolveResult>;
    const result = await solve(operator, b, { rtol: 1e-8, maxIter: 1200 });
    expectHonest(result);
    // None where rounding decides whether SciPy arrives at all.
    const range = r[`${name}Range`] ?? null;
    if (wanted !== null && range !== null && condition <= 1e6) {
      expect(result.status).toBe("converged");
      const off = Math.max(range[0] - result.iterations, result.iterations - range[1]);
      expect(off, `${result.iterations}, SciPy ${wanted}, by rounding ${range.join(" to ")}`).toBeLessThanOrEqual(
        Math.max(3, 0.1 * wanted),
      );
    }
  });

  test.each(["lsqr", "lsmr"] as const)("%s", async (name) => {
    const stop = r[`${name}Stop`];
    const result = await { lsqr, lsmr }[name](operator, b, { rtol: 1e-10, atol: 1e-10 });
    const left = b.sub(a.matmul(result.x));
    expect(Math.abs(result.residual - length(left))).toBeLessThanOrEqual(1e-12 * length(b));
    expect(Math.abs(result.normalResidual - length(a.transpose().matmul(left)))).toBeLessThanOrEqual(1e-12 * length(b));
    if (stop === 7) {
      expect(result).toMatchObject({ converged: false, status: "maxIter", iterations: r[name] });
      return;
    }
    expect(result.status).toBe(stop === 1 ? "converged" : "leastSquares");
    expect(Math.abs(result.iterations - r[name]), `${result.iterations}, SciPy ${r[name]}`).toBeLessThanOrEqual(
      Math.max(3, 0.1 * r[name]),
    );
    // The solution of least norm.
    expect(length(result.x.sub(x))).toBeLessThanOrEqual(1e-8 * condition * length(x));
  });

  if (r.kind === "singular" && r.rhs === "inconsistent") {
    test("minres finds a least-squares solution and says so", async () => {
      const result = await minres(operator, b, { rtol: 1e-8 });
      expect(result).toMatchObject({ converged: false, status: "leastSquares" });
      const left = b.sub(a.matmul(result.x));
      expect(length(a.matmul(left))).toBeLessThanOrEqual(2e-8 * length(a.reshape([-1])) * length(left));
      expect(length(left)).toBeCloseTo(length(b.sub(a.matmul(x))), 8);
    });

    test.each(["cg", "gmres", "bicgstab"] as const)("%s does not claim a solution", async (name) => {
      const solve = solvers[name] as (a: LinearOperator, b: Tensor, o: object) => Promise<SolveResult>;
      const result = await solve(operator, b, { rtol: 1e-8, maxIter: 500 });
      expect(result.converged).toBe(false);
      expect(["maxIter", "breakdown", "indefinite", "precision"]).toContain(result.status);
    });
  }
});
