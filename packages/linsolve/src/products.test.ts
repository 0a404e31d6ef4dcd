/** What is said of products with A: how many there were, and which was not finite (theme-curvature, sections 4 and 9). Every driver stops. */

import { concat, DomainError, jit, ones, tensor, where, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import {
  arnoldi,
  arnoldiCore,
  bicgstab,
  blockLanczos,
  cg,
  chebyshev,
  csrFromEntries,
  eigsh,
  gmres,
  lanczos,
  lanczosCore,
  linearOperator,
  lobpcg,
  lsmr,
  lsqr,
  lsrn,
  minres,
  nystrom,
  nystromPreconditioner,
  powerIteration,
  powerIterationCore,
  randomizedSvd,
  richardson,
  sor,
  type LinearOperator,
} from "./index.js";

const n = 30;
const dtype = "float64";
const key = random.key(1);
const spectrum = tensor(Float64Array.from({ length: n }, (_, i) => 1 + i ** 2 / 100));
const b = random.normal(random.key(2), { shape: [n], dtype });

const draw2 = random.normal(random.key(3), { shape: [n, 2], dtype });

interface Counted {
  readonly a: LinearOperator;
  /** Products with A and with its transpose so far. */
  readonly count: () => number;
}

/** The diagonal of the spectrum; the product of this number, if there is one, is NaN, and so are those after it. */
function counted(poisoned = Infinity): Counted {
  let products = 0;
  const matvec = (v: Tensor): Tensor => v.mul(spectrum).mul(++products >= poisoned ? NaN : 1);
  return {
    a: linearOperator({ matvec, domain: b, positiveSemidefinite: true, eager: true }),
    count: () => products,
  };
}

describe("products are counted as they were made", () => {
  test.each([5, 20])("eigsh, basis of %i", async (basisSize) => {
    const { a, count } = counted();
    const result = await eigsh(a, { k: 3, basisSize, check: false });
    expect(result.converged).toBe(true);
    expect(result.products + result.verificationProducts).toBe(count());
  });

  test("lobpcg, also where pairs converge before others", async () => {
    const { a, count } = counted();
    const result = await lobpcg(a, { k: 3, check: false });
    expect(result.converged).toBe(true);
    expect(result.products).toBe(count());
    expect(result.products).toBeLessThan(3 * (result.iterations + 2));
  });

  test.each(["full", "selective", "none"] as const)("lanczos, %s: one a step", async (reorthogonalise) => {
    const { a, count } = counted();
    const { alpha } = await lanczos(a, b, { steps: 12, reorthogonalise, check: false });
    expect(count()).toBe(alpha.length);
  });

  test("arnoldi and powerIteration: one a step, blockLanczos a block", async () => {
    const { a, count } = counted();
    expect((await arnoldi(a, b, { steps: 12 })).products).toBe(count());
    let before = count();
    expect((await blockLanczos(a, draw2, { steps: 6 })).products).toBe(count() - before);
    before = count();
    const result = await powerIteration(a, { key, k: 3, tol: 1e-2, check: false });
    expect(result.products).toBe(count() - before);
    expect(result.history).toHaveLength(result.iterations);
  });

  test("of random approximations", () => {
    const { a, count } = counted();
    expect(nystrom(a, { rank: 7, key }).products).toBe(count());
    const before = count();
    const { products } = randomizedSvd(a, { rank: 4, oversampling: 3, powerIterations: 2, key });
    expect(products).toBe(count() - before);
  });

  test("a step takes one product, of bicgstab and least squares two; starts and ends a few more", async () => {
    const perStep = { cg: 1, minres: 1, gmres: 1, bicgstab: 2, lsqr: 2, lsmr: 2 } as const;
    type Solve = (
      a: LinearOperator,
      b: Tensor,
    ) => Promise<{ readonly iterations: number; readonly converged: boolean }>;
    const solvers: Readonly<Record<keyof typeof perStep, Solve>> = {
      cg: (a, v) => cg(a, v, { check: false }),
      minres: (a, v) => minres(a, v, { check: false }),
      gmres,
      bicgstab,
      lsqr,
      lsmr,
    };
    for (const [name, solve] of Object.entries(solvers)) {
      const { a, count } = counted();
      const { iterations, converged } = await solve(a, b);
      expect(converged).toBe(true);
      const least = perStep[name as keyof typeof perStep] * iterations;
      expect(count(), `${name}, ${iterations} steps`).toBeGreaterThanOrEqual(least);
      expect(count(), `${name}, ${iterations} steps`).toBeLessThanOrEqual(1.2 * least + 4);
    }
  });
});

describe("a product with NaN is named", () => {
  type Run = (a: LinearOperator) => unknown;
  const byProduct: Readonly<Record<string, Run>> = {
    eigsh: (a) => eigsh(a, { k: 2, check: false }),
    lanczos: (a) => lanczos(a, b, { steps: 9, check: false }),
    "lanczos, none": (a) => lanczos(a, b, { steps: 9, reorthogonalise: "none", check: false }),
    nystrom: (a) => nystrom(a, { rank: 9, key }),
    nystromPreconditioner: (a) => nystromPreconditioner(a, { rank: 9, damping: 1, key }),
    randomizedSvd: (a) => randomizedSvd(a, { rank: 2, oversampling: 2, key }),
    lsrn: (a) => lsrn(a, b, { key }),
    arnoldi: (a) => arnoldi(a, b, { steps: 9 }),
    powerIteration: (a) => powerIteration(a, { key, check: false }),
    blockLanczos: (a) => blockLanczos(a, draw2, { steps: 4 }),
    lobpcg: (a) => lobpcg(a, { k: 4, check: false }),
  };
  test.each(Object.keys(byProduct))("by its number: %s", async (name) => {
    for (const product of [1, 6]) {
      const run = Promise.resolve().then(() => byProduct[name](counted(product).a));
      await expect(run).rejects.toThrow(DomainError);
      const again = Promise.resolve().then(() => byProduct[name](counted(product).a));
      await expect(again).rejects.toThrow(
        `${name.replace(/,.*/, "")}: product ${product} of the operator has NaN or an infinity.`,
      );
    }
  });

  const byStep: Readonly<Record<string, readonly [(a: LinearOperator) => Promise<unknown>, number]>> = {
    cg: [(a) => cg(a, b, { check: false }), 6],
    minres: [(a) => minres(a, b, { check: false }), 6],
    gmres: [(a) => gmres(a, b), 6],
    bicgstab: [(a) => bicgstab(a, b), 3],
    chebyshev: [(a) => chebyshev(a, b, { lower: 1, upper: 10, check: false }), 6],
    richardson: [(a) => richardson(a, b, { stepSize: 0.1 }), 6],
  };
  test.each(Object.keys(byStep))("by its step: %s", async (name) => {
    const [run, step] = byStep[name];
    await expect(run(counted(6).a)).rejects.toThrow(
      `${name}: a product of the operator has NaN or an infinity, in step ${step} or right after it.`,
    );
  });

  test.each(["chebyshev", "richardson"])("also the only one, which does not reach x: %s", async (name) => {
    for (const product of [1, 6]) {
      let products = 0;
      const matvec = (v: Tensor): Tensor => v.mul(spectrum).mul(++products === product ? NaN : 1);
      const a = linearOperator({ matvec, domain: b, positiveSemidefinite: true, eager: true });
      await expect(byStep[name][0](a)).rejects.toThrow(
        `${name}: a product of the operator has NaN or an infinity, in step ${product} or right after it.`,
      );
    }
  });

  test("by its number in traced processes, compiled or not", () => {
    // From e₀ the second difference makes e₁, e₂, …: NaN where element `at` is first met.
    const first = tensor(Float64Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0)));
    const operator = (at: number): LinearOperator => {
      const shift = (v: Tensor, by: 1 | -1): Tensor => {
        const zero = zeros([1], { dtype });
        return by === 1 ? concat([zero, v.slice([0, n - 1])], 0) : concat([v.slice([1, n]), zero], 0);
      };
      const poison = (v: Tensor): Tensor => where(v.slice(at).equal(0), 1, NaN);
      const matvec = (v: Tensor): Tensor => v.mul(2).sub(shift(v, 1)).sub(shift(v, -1)).mul(poison(v));
      return linearOperator({ matvec, domain: b, symmetric: true });
    };
    const has = (name: string, product: number | string): RegExp =>
      new RegExp(`^${name}: product ${product} of the operator has NaN or an infinity\\.$`);
    for (const product of [1, 6]) {
      const a = operator(product - 1);
      for (const run of [(f: (v: Tensor) => Tensor) => f, jit]) {
        expect(() => run((v: Tensor) => lanczosCore(a, v, { steps: 9 }).alpha)(first)).toThrow(
          has("lanczosCore", product),
        );
        expect(() => run((v: Tensor) => arnoldiCore(a, v, { steps: 9 }).basis)(first)).toThrow(
          has("arnoldiCore", product),
        );
      }
    }
    // None of them where the run ends before.
    expect(lanczosCore(operator(6), first, { steps: 6 }).taken.itemSync()).toBe(6);
    expect(() => powerIterationCore(operator(3), { key })).toThrow(has("powerIterationCore", 1));
    const late = linearOperator({
      matvec: (v: Tensor) =>
        v.mul(spectrum).mul(
          where(
            v
              .slice(n - 1)
              .abs()
              .greater(0.99),
            NaN,
            1,
          ),
        ),
      domain: b,
      symmetric: true,
    });
    expect(() => jit(() => powerIterationCore(late, { key, tol: 1e-12, maxIter: 999 }).values)()).toThrow(
      has("powerIterationCore", "\\d\\d+"),
    );
  });
});

test("a start that is zero has no direction", async () => {
  const { a } = counted();
  const start = zeros([n], { dtype });
  const refused = "start is zero; wants a vector with a direction.";
  expect(() => lanczosCore(a, start, { steps: 3 })).toThrow(`lanczosCore: ${refused}`);
  expect(() => arnoldiCore(a, start, { steps: 3 })).toThrow(`arnoldiCore: ${refused}`);
  await expect(lanczos(a, start, { steps: 3 })).rejects.toThrow(`lanczos: ${refused}`);
  await expect(eigsh(a, { k: 2, start })).rejects.toThrow(`eigsh: ${refused}`);
});

describe("every driver is watched, and stops", () => {
  const never = { rtol: 0, atol: 0, maxIter: 1e6 };
  const matrix = csrFromEntries(2, 2, [0, 0, 1, 1], [0, 1, 0, 1], [2, 1, 1, 2]);
  type Stop = { readonly signal?: AbortSignal; readonly onProgress?: () => void };
  const drivers: Readonly<Record<string, (a: LinearOperator, stop: Stop) => Promise<unknown>>> = {
    cg: (a, stop) => cg(a, b, { ...never, check: false, ...stop }),
    minres: (a, stop) => minres(a, b, { ...never, check: false, ...stop }),
    gmres: (a, stop) => gmres(a, b, { ...never, ...stop }),
    bicgstab: (a, stop) => bicgstab(a, b, { ...never, ...stop }),
    chebyshev: (a, stop) => chebyshev(a, b, { ...never, lower: 1, upper: 10, check: false, ...stop }),
    richardson: (a, stop) => richardson(a, b, { ...never, stepSize: 0.1, ...stop }),
    lsqr: (a, stop) => lsqr(a, b, { ...never, ...stop }),
    lsmr: (a, stop) => lsmr(a, b, { ...never, ...stop }),
    lsrn: (a, stop) => lsrn(a, b, { ...never, key, ...stop }),
    sor: (_, stop) => sor(matrix, ones([2], { dtype }), { ...never, omega: 1e-3, ...stop }),
    eigsh: (a, stop) => eigsh(a, { k: 2, tol: 0, check: false, ...stop }),
    lobpcg: (a, stop) => lobpcg(a, { k: 2, tol: 0, check: false, ...stop }),
    lanczos: (a, stop) => lanczos(a, b, { steps: n, check: false, ...stop }),
    arnoldi: (a, stop) => arnoldi(a, b, { steps: n, ...stop }),
    blockLanczos: (a, stop) => blockLanczos(a, draw2, { steps: n / 2, ...stop }),
    powerIteration: (a, stop) => powerIteration(a, { key, k: 2, tol: 0, check: false, ...stop }),
  };
  test.each(Object.keys(drivers))("%s", async (name) => {
    const controller = new AbortController();
    const { a, count } = counted();
    const reason = new Error("enough");
    const run = drivers[name](a, { signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(run).rejects.toBe(reason);
    const atEnd = count();
    await new Promise((resolve) => setTimeout(resolve));
    expect(count()).toBe(atEnd);
    await expect(drivers[name](a, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
