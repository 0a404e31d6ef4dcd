/** "Must be true" of paper 02, parts A: items 1, 3–6 and 9. */

import {
  concat,
  DomainError,
  DTypeError,
  eye,
  grad,
  jit,
  matmul,
  ShapeError,
  stack,
  tensor,
  vmap,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { toDense } from "@curv/linsolve";
import { inv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, vi } from "vitest";
import reference from "./fixtures/m-fac.json" with { type: "json" };
import { slidingInverseFisher, staticInverseFisher, woodburyInverse } from "./index.js";

// Many small systems: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const draw = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.key(seed), { shape, dtype: "float64" });

/** F itself, which no other code here ever forms. */
function fisher(grads: Tensor, damping: number): Tensor {
  const [m, d] = grads.shape;
  const g = grads.cast("float64");
  return matmul(g.transpose(), g)
    .div(m)
    .add(eye(d, d, { dtype: "float64" }).mul(damping));
}

/** ‖x − y‖ / ‖y‖. */
function error(x: Tensor, y: Tensor): number {
  expect(x.shape).toEqual(y.shape);
  const norm = (t: Tensor): number => Math.sqrt(t.cast("float64").square().sum().itemSync());
  return norm(x.cast("float64").sub(y.cast("float64"))) / norm(y);
}

describe("1: equals the dense inverse", () => {
  test.prop(
    {
      seed: fc.nat(1000),
      m: fc.integer({ min: 1, max: 64 }),
      d: fc.integer({ min: 1, max: 200 }),
      power: fc.double({ min: -3, max: 0, noNaN: true }),
      pageRows: fc.integer({ min: 1, max: 20 }),
    },
    { numRuns: 15 },
  )("for m ≤ 64, d ≤ 200, λ in [1e-3, 1], any page", ({ seed, m, d, power, pageRows }) => {
    const [grads, x, damping] = [draw(seed, [m, d]), draw(seed + 1, [d]), 10 ** power];
    const inverse = staticInverseFisher(grads, { damping, pageRows });
    const dense = inv(fisher(grads, damping));
    expect(error(inverse.apply(x), matmul(dense, x))).toBeLessThan(1e-9);
    const columns = draw(seed + 2, [d, 3]);
    expect(error(inverse.apply(columns), matmul(dense, columns))).toBeLessThan(1e-9);
    const diagonal = inverse.diagonal();
    for (const a of [0, d >> 1, d - 1]) {
      const column = inverse.apply(eye(d, d, { dtype: "float64" }).slice(a));
      const [b, scale] = [(a + 7) % d, 1 / damping];
      expect(Math.abs(inverse.element(a, b).itemSync() - column.slice(b).itemSync())).toBeLessThan(1e-10 * scale);
      expect(Math.abs(diagonal.slice(a).itemSync() - column.slice(a).itemSync())).toBeLessThan(1e-10 * scale);
    }
  });

  for (const { name, damping, gradients, x, static: paper, product, diagonal } of reference) {
    test(`with 60 digits: ${name}`, () => {
      const tolerance = name === "ill scaled" ? 1e-9 : 1e-12;
      for (const pageRows of [1, 4, 100]) {
        const inverse = staticInverseFisher(tensor(gradients, { dtype: "float64" }), { damping, pageRows });
        const y = inverse.apply(tensor(x, { dtype: "float64" }));
        expect(error(y, tensor(product, { dtype: "float64" }))).toBeLessThan(tolerance);
        expect(error(y, tensor(paper, { dtype: "float64" }))).toBeLessThan(tolerance);
        expect(error(inverse.diagonal(), tensor(diagonal, { dtype: "float64" }))).toBeLessThan(tolerance);
      }
    });
  }

  test("λ = 1e-5 and gradients of very different size, to 1e-4", () => {
    const sizes = tensor(Float64Array.from({ length: 200 }, (_, a) => 10 ** (-3 + (a % 50) / 10)));
    const grads = draw(3, [64, 200]).mul(sizes);
    const x = draw(4, [200]);
    const inverse = staticInverseFisher(grads);
    expect(inverse.damping).toBe(1e-5);
    expect(error(matmul(fisher(grads, 1e-5), inverse.apply(x)), x)).toBeLessThan(1e-4);
    expect(error(inverse.apply(x), woodburyInverse(grads).apply(x))).toBeLessThan(1e-4);
  });
});

describe("3: blocks", () => {
  const [m, d, damping] = [12, 30, 0.05];
  const [grads, x] = [draw(5, [m, d]), draw(6, [d])];

  test("of all parameters are no blocks", () => {
    const [all, none] = [
      staticInverseFisher(grads, { damping, blockSize: d }),
      staticInverseFisher(grads, { damping }),
    ];
    expect(error(all.apply(x), none.apply(x))).toBeLessThan(1e-13);
  });

  test("of one parameter are the diagonal Fisher", () => {
    const wanted = grads.square().mean(0).add(damping).reciprocal();
    const inverse = staticInverseFisher(grads, { damping, blockSize: 1 });
    expect(error(inverse.diagonal(), wanted)).toBeLessThan(1e-13);
    expect(error(inverse.apply(x), x.mul(wanted))).toBeLessThan(1e-13);
    // A diagonal approximation is another matrix than the full one.
    expect(error(staticInverseFisher(grads, { damping }).diagonal(), wanted)).toBeGreaterThan(0.1);
  });

  test.prop({ blockSize: fc.integer({ min: 1, max: 40 }), pageRows: fc.integer({ min: 1, max: 13 }) }, { numRuns: 12 })(
    "are inverted one by one",
    ({ blockSize, pageRows }) => {
      const inverse = staticInverseFisher(grads, { damping, blockSize, pageRows });
      const dense = toDense(inverse).arraySync() as number[][];
      const diagonal = inverse.diagonal().dataSync();
      const block = (a: number): number => Math.floor(a / blockSize);
      for (let from = 0; from < d; from += blockSize) {
        const to = Math.min(d, from + blockSize);
        const own = inv(fisher(grads.slice(null, [from, to]), damping)).arraySync() as number[][];
        for (let a = from; a < to; a++) {
          for (let b = 0; b < d; b++) {
            const wanted = block(a) === block(b) ? own[a - from][b - from] : 0;
            expect(Math.abs(dense[a][b] - wanted)).toBeLessThan(1e-10);
          }
          expect(Math.abs(diagonal[a] - dense[a][a])).toBeLessThan(1e-10);
        }
      }
      const indices = [3, 29, 4, 17, 3];
      const some = inverse.submatrix(tensor(Int32Array.from(indices))).arraySync() as number[][];
      indices.forEach((a, i) => {
        indices.forEach((b, j) => expect(Math.abs(some[i][j] - dense[a][b])).toBeLessThan(1e-10));
      });
    },
  );
});

describe("4: any gradients", () => {
  const damping = 0.01;
  const check = (grads: Tensor): void => {
    const x = draw(8, [grads.shape[1]]);
    const y = matmul(inv(fisher(grads, damping)), x);
    expect(error(staticInverseFisher(grads, { damping }).apply(x), y)).toBeLessThan(1e-9);
  };

  test("more than parameters", () => {
    check(draw(7, [50, 6]));
  });
  test("more than 1024, and no multiple of 32, which the authors' kernels do not take", () => {
    const grads = draw(20, [1030, 3]);
    const x = draw(21, [3]);
    const y = matmul(inv(fisher(grads, damping)), x);
    expect(error(staticInverseFisher(grads, { damping, pageRows: 103 }).apply(x), y)).toBeLessThan(1e-9);
  });
  test("all of them zero", () => {
    check(zeros([5, 6], { dtype: "float64" }));
  });
  test("the same ones again", () => {
    const g = draw(9, [7]);
    check(stack([g, g, zeros([7], { dtype: "float64" }), g, g.mul(2), draw(10, [7]), g, g, g, g], 0));
  });
});

describe("5: symmetric and positive", () => {
  test.prop({ seed: fc.nat(1000), blockSize: fc.integer({ min: 1, max: 60 }) }, { numRuns: 15 })(
    "x·F⁻¹y = y·F⁻¹x and x·F⁻¹x > 0",
    ({ seed, blockSize }) => {
      const [grads, x, y] = [draw(seed, [20, 60]), draw(seed + 1, [60]), draw(seed + 2, [60])];
      const inverse = staticInverseFisher(grads, { damping: 0.01, blockSize });
      const [xy, yx] = [x.dot(inverse.apply(y)).itemSync(), y.dot(inverse.apply(x)).itemSync()];
      const size = x.dot(inverse.apply(x)).itemSync();
      expect(Math.abs(xy - yx)).toBeLessThan(1e-12 * size);
      expect(size).toBeGreaterThan(0);
      expect(inverse).toMatchObject({ symmetric: true, positiveSemidefinite: true, shape: [60, 60] });
    },
  );
});

describe("6: cost", () => {
  test("100,000 parameters and 64 gradients, where a matrix would take 80 GB", () => {
    const [m, d] = [64, 100_000];
    const numbers = Float32Array.from(
      { length: m * d },
      (_, i) => 0.002 * ((((i * 2654435761) >>> 0) % 2003) / 1001 - 1),
    );
    const grads = tensor(numbers, { shape: [m, d] });
    const inverse = staticInverseFisher(grads);
    const x = tensor(Float32Array.from({ length: d }, (_, a) => Math.sin(a)));
    const [y, g] = [inverse.apply(x).cast("float64"), grads.cast("float64")];
    const product = matmul(matmul(g, y), g).div(m).add(y.mul(1e-5)); // F y
    expect(error(product, x)).toBeLessThan(1e-3);
  });

  test("gradients from an iterable are taken one page after the other", () => {
    const grads = draw(11, [20, 9]);
    let taken = 0;
    function* rows(from: Tensor): Generator<Tensor> {
      for (taken = 0; taken < 20;) yield from.slice(taken++);
    }
    const options = { damping: 0.1, pageRows: 4 };
    const whole = staticInverseFisher(grads, options);
    const x = draw(12, [9]);
    const fromRows = staticInverseFisher(rows(grads), { ...options, count: 20 });
    expect(fromRows.apply(x).dataSync()).toEqual(whole.apply(x).dataSync());
    const mixed = [grads.slice(0), grads.slice([1, 15]), grads.slice([15, 20])];
    expect(error(staticInverseFisher(mixed, options).apply(x), whole.apply(x))).toBeLessThan(1e-13);

    // The second page is refused before the third is asked for.
    const broken = concat([grads.slice([0, 6]), grads.slice([6, 7]).div(0), grads.slice([7, 20])], 0);
    expect(() => staticInverseFisher(rows(broken), { ...options, count: 20 })).toThrow(/gradient 6 has NaN/);
    expect(taken).toBe(9);
  });
});

describe("float32 with λ = 1e-5", () => {
  const [m, d, damping] = [16, 5000, 1e-5];
  /** Uniform in ±1/10, the same everywhere. */
  const noise = (seed: number, count: number): Float32Array =>
    Float32Array.from(
      { length: count },
      (_, i) => ((Math.imul(i + seed, 2654435761) ^ (i << 7)) >>> 0) / 2 ** 31 / 10 - 0.1,
    );
  const [grads, x] = [tensor(noise(1, m * d), { shape: [m, d] }), tensor(noise(7, d))];
  /** ‖F y − x‖ / ‖x‖. */
  const residual = (y: Tensor): number => {
    const [g, v] = [grads.cast("float64"), y.cast("float64")];
    return error(matmul(matmul(g, v), g).div(m).add(v.mul(damping)), x);
  };

  test("F F⁻¹ x = x to 1e-3", () => {
    for (const pageRows of [1, 8]) {
      const y = staticInverseFisher(grads, { pageRows }).apply(x);
      expect(y.dtype).toBe("float32");
      expect(residual(y)).toBeLessThan(1e-3);
    }
    const fisher = slidingInverseFisher({ dim: d, window: m });
    let state = fisher.init();
    for (let i = 0; i < m; i++) state = fisher.push(state, grads.slice(i));
    expect(residual(fisher.apply(state, x))).toBeLessThan(1e-3);
    expect(residual(woodburyInverse(grads).apply(x))).toBeLessThan(1e-3);
  });

  test("with float32 sums it is not", () => {
    const { fround } = Math;
    const dot = (a: Float32Array, b: Float32Array): number =>
      a.reduce((sum, v, i) => fround(sum + fround(v * b[i])), 0);
    const all = grads.dataSync() as Float32Array;
    const [vs, cs]: [Float32Array[], number[]] = [[], []];
    const apply = (g: Float32Array): Float32Array => {
      const y = g.map((v) => v / damping);
      vs.forEach((v, j) => {
        const q = fround(dot(v, g) / cs[j]);
        y.forEach((_, i) => (y[i] -= fround(q * v[i])));
      });
      return y;
    };
    for (let i = 0; i < m; i++) {
      const g = all.subarray(i * d, (i + 1) * d);
      const v = apply(g);
      vs.push(v);
      cs.push(fround(m + dot(g, v)));
    }
    expect(residual(tensor(apply(x.dataSync() as Float32Array)))).toBeGreaterThan(1e-3);
  });
});

describe("9: errors", () => {
  const grads = draw(15, [3, 4]);
  const nan = tensor(
    [
      [1, 2],
      [3, 4],
      [5, NaN],
    ],
    { dtype: "float64" },
  );
  const cases: [string, () => unknown, new (...args: never[]) => Error, RegExp][] = [
    ["no matrix", () => staticInverseFisher(grads.slice(0)), ShapeError, /grads has shape \[4\]; wants \[m, d\]/],
    ["no gradients", () => staticInverseFisher(grads.slice([0, 0])), ShapeError, /grads holds 0 gradients/],
    ["damping 0", () => staticInverseFisher(grads, { damping: 0 }), DomainError, /damping is 0/],
    ["damping NaN", () => staticInverseFisher(grads, { damping: NaN }), DomainError, /damping is NaN/],
    ["block size 0", () => staticInverseFisher(grads, { blockSize: 0 }), DomainError, /blockSize is 0/],
    ["half a page", () => staticInverseFisher(grads, { pageRows: 0.5 }), DomainError, /pageRows is 0.5/],
    ["NaN", () => staticInverseFisher(nan), DomainError, /gradient 2 has NaN/],
    [
      "NaN on a later page",
      () => staticInverseFisher(nan, { pageRows: 1, blockSize: 1 }),
      DomainError,
      /gradient 2 has NaN/,
    ],
    ["integers", () => staticInverseFisher(grads.cast("int32")), DTypeError, /int32/],
    ["other lengths", () => staticInverseFisher([grads, draw(1, [5])]), ShapeError, /gradient 3 has length 5; wants 4/],
    ["other dtypes", () => staticInverseFisher([grads, grads.cast("float32")]), DTypeError, /gradient 3 is float32/],
    [
      "a wrong count",
      () => staticInverseFisher(new Set([grads]), { count: 4 }),
      ShapeError,
      /grads holds 3 gradients; wants 4/,
    ],
    ["no count", () => staticInverseFisher(new Set([grads])), DomainError, /count is missing/],
    ["x of another length", () => staticInverseFisher(grads).apply(draw(1, [5])), ShapeError, /wants a vector \[4\]/],
    ["columns of another length", () => staticInverseFisher(grads).apply(draw(1, [5, 2])), ShapeError, /\[4, k\]/],
    ["an index beyond", () => staticInverseFisher(grads).element(0, 4), DomainError, /index 4; wants 0 to 3/],
  ];
  for (const [name, run, type, message] of cases) {
    test(name, () => {
      expect(run).toThrow(type);
      expect(run).toThrow(message);
    });
  }
});

describe("transformations", () => {
  const [grads, x] = [draw(16, [5, 7]), draw(17, [7])];
  const apply = (g: Tensor, v: Tensor): Tensor => staticInverseFisher(g, { damping: 0.1, pageRows: 2 }).apply(v);
  const dense = (g: Tensor, v: Tensor): Tensor => matmul(inv(fisher(g, 0.1)), v);

  test("jit", () => {
    expect(error(jit(apply)(grads, x), apply(grads, x))).toBeLessThan(1e-14);
  });
  test("vmap over gradients and vectors", () => {
    const many = draw(18, [3, 5, 7]);
    expect(error(vmap((g: Tensor) => apply(g, x))(many), vmap((g: Tensor) => dense(g, x))(many))).toBeLessThan(1e-12);
    const vectors = draw(19, [3, 7]);
    expect(error(vmap((v: Tensor) => apply(grads, v))(vectors), matmul(vectors, inv(fisher(grads, 0.1))))).toBeLessThan(
      1e-12,
    );
  });
  test("derivatives in the gradients", () => {
    const loss =
      (f: typeof apply) =>
      (g: Tensor): Tensor =>
        f(g, x).square().sum();
    expect(error(grad(loss(apply))(grads), grad(loss(dense))(grads))).toBeLessThan(1e-10);
  });
});
