/**
 * Kernels and libraries beside the CPU, each within its error budget, at sizes for which the card takes other ways than for the small arrays
 * of the conformance suite: long rows, many rows that meet, own tiles, whole batches.
 */

import { conv, cpu, cummax, cummin, cumsum, eye, grad, isNaN, jit, less, linearRecurrence, logSumExp, maximum, round, scatterAdd, tensor, topK, use, where, zeros } from "@curv/tensor"; // prettier-ignore
import { eigh, eigvalsh, qr, svd, svdvals } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { fail, floats, openCard, relativeDifference } from "./harness.mjs";

/** @typedef {import("@curv/tensor").Tensor} Tensor */

const unitRoundoff = { float32: 2 ** -24, float64: 2 ** -53 };

/** Whether two arrays hold the same numbers, NaN included. */
function sameNumbers(got, wanted) {
  return got.length === wanted.length && got.every((y, i) => y === wanted[i] || (y !== y && wanted[i] !== wanted[i]));
}

/**
 * The largest error over its bound, element by element: below 1 is within the budget.
 *
 * @param {ArrayLike<number>} got
 * @param {ArrayLike<number>} wanted
 * @param {ArrayLike<number>} bound
 */
function ofBudget(got, wanted, bound) {
  let most = 0;
  for (let i = 0; i < wanted.length; i++) {
    const part = Math.abs(got[i] - wanted[i]) / bound[i];
    if (!(part <= most)) most = part;
  }
  return most;
}

/** On the CPU, in float64. */
const exactly = (/** @type {Tensor} */ x) => x.to(cpu).cast("float64");

/** Normal numbers of which a few are NaN, −∞, and equal to others. */
function rough(key, shape, dtype) {
  const [a, b] = random.split(random.key(key), 2);
  const x = round(random.normal(a, { shape, dtype }).mul(8)).div(8);
  const u = random.uniform(b, { shape, dtype });
  return where(less(u, 1e-3), NaN, where(less(u, 2e-3), -Infinity, x));
}

/**
 * @param {import("./harness.mjs").CudaBackend} place
 * @param {boolean} tiny Whether sizes are those of a test.
 */
export function cpuCases(place, tiny) {
  return {
    "top-k of long rows, with equal numbers and NaN: the CPU's numbers and places": () => {
      const seen = {};
      for (const dtype of tiny ? /** @type {const} */ (["float32"]) : floats) {
        for (const [rows, n, k] of tiny
          ? [[2, 4100, 70]]
          : [
              [3, 2 ** 20, 1000],
              [200, 20_000, 50],
              [1, 2 ** 22, 2 ** 19],
            ]) {
          // prettier-ignore
          const x = rough(20, [rows, n], dtype);
          const [got, wanted] = [topK(x, k), topK(x.to(cpu), k)];
          if (!sameNumbers(got.values.dataSync(), wanted.values.dataSync()))
            fail(`${dtype} [${rows}, ${n}], ${k}: values differ`);
          if (!sameNumbers(got.indices.dataSync(), wanted.indices.dataSync()))
            fail(`${dtype} [${rows}, ${n}], ${k}: places differ`);
          seen[`${dtype} [${rows}, ${n}], ${k}`] = "equal";
        }
      }
      return seen;
    },
    "running maxima and minima of long lines: the CPU's numbers": () => {
      for (const dtype of tiny ? /** @type {const} */ (["float32"]) : floats) {
        for (const shape of tiny
          ? [[2, 3000]]
          : [
              [3, 2 ** 20],
              [2 ** 18, 7],
            ]) {
          // prettier-ignore
          const axis = shape[0] > shape[1] ? 0 : 1;
          const x = rough(21, shape, dtype);
          const y = maximum(where(isNaN(x), 0, x), -20);
          for (const [name, f] of Object.entries({ cummax, cummin })) {
            for (const z of name === "cummax" ? [x, y] : [y]) {
              if (!sameNumbers(f(z, axis).dataSync(), f(z.to(cpu), axis).dataSync()))
                fail(`${name}, ${dtype} [${shape.join()}]: they differ`);
            }
          }
        }
      }
      return {};
    },
    "thousands of rows that are added to one place: within the budget, and the same bits each time": () => {
      const seen = {};
      const [rows, places, width] = tiny ? [3000, 2, 3] : [400_000, 11, 64];
      for (const dtype of floats) {
        const [a, b] = random.split(random.key(22), 2);
        const updates = random.normal(a, { shape: [rows, width], dtype });
        const at = random.randint(b, 0, places, { shape: [rows, 1] });
        const add = (/** @type {Tensor} */ u, /** @type {Tensor} */ index) => scatterAdd(zeros([places, width], { dtype: u.dtype }).to(u.backend), index, u); // prettier-ignore
        const [first, again] = [add(updates, at), add(updates, at)].map((y) => y.dataSync());
        if (!sameNumbers(first, again)) fail(`${dtype}: bits differ from call to call`);
        const index = at.to(cpu);
        const [wanted, magnitude] = [exactly(updates), exactly(updates).abs()].map((u) => add(u, index).dataSync());
        // Pieces of 1024 in order, then the pieces in order: so many additions at most.
        const additions = 1024 + Math.ceil((2 * rows) / places / 1024);
        const part = ofBudget(first, wanted, magnitude.map((m) => additions * unitRoundoff[dtype] * m + 1e-300)); // prettier-ignore
        if (!(part < 1)) fail(`${dtype}: ${part} of the budget`);
        seen[dtype] = { ofBudget: part };
      }
      return seen;
    },
    "products by own kernels: within k rounding errors of |A| |B|, integers exactly": () => {
      const there = openCard({ products: "own", name: "cuda-own-products" });
      const seen = {};
      const sizes = tiny ? [[1, 70, 50, 90]] : [[1, 1000, 700, 513], [5, 130, 257, 64], [1, 64, 20_000, 64], [1, 1, 3000, 2000]]; // prettier-ignore
      try {
        for (const [batch, m, k, n] of sizes) {
          for (const dtype of floats) {
            const [a, b] = random.split(random.key(23), 2);
            const x = random.normal(a, { shape: [batch, k, m], dtype }).transpose([0, 2, 1]);
            const y = random.normal(b, { shape: [batch, k, n], dtype });
            const [p, q] = [exactly(x), exactly(y)];
            const bound = p.abs().matmul(q.abs()).mul(k * unitRoundoff[dtype]).dataSync(); // prettier-ignore
            const part = ofBudget(x.matmul(y).dataSync(), p.matmul(q).dataSync(), bound);
            if (!(part < 1)) fail(`${dtype} ${batch} x [${m}, ${k}, ${n}]: ${part} of the budget`);
            seen[`${dtype} ${batch} x [${m}, ${k}, ${n}]`] = { ofBudget: part };
          }
        }
        const [x, y] = [24, 25].map((key) => random.randint(random.key(key), -50, 50, { shape: tiny ? [33, 33] : [300, 300] })); // prettier-ignore
        if (!sameNumbers(x.matmul(y).dataSync(), x.to(cpu).matmul(y.to(cpu)).dataSync())) fail("int32: they differ");
      } finally {
        there.dispose();
        use(place);
      }
      return seen;
    },
    "batches of QR factorisations and singular value decompositions, at once and one by one": () => {
      const worst = {};
      for (const [count, m, n] of tiny
        ? [[2, 5, 3]]
        : [
            [500, 20, 12],
            [200, 100, 60],
            [3, 300, 200],
          ]) {
        // prettier-ignore
        const a = random.normal(random.key(12), { shape: [count, m, n], dtype: "float64" });
        const { q, r } = qr(a);
        const { u, s, vt } = svd(a);
        const scaled = u.mul(s.reshape([count, 1, n]));
        const gram = (x) =>
          x
            .transpose([0, 2, 1])
            .matmul(x)
            .sub(eye(n, n, { dtype: "float64" }));
        const errors = [q.matmul(r).sub(a), scaled.matmul(vt).sub(a), gram(q), gram(u)].map((x) => x.abs().max().itemSync()); // prettier-ignore
        worst[`${count} x ${m} x ${n}`] = errors;
        if (!errors.every((error) => error < 1e-11)) fail(`${count} of [${m}, ${n}]: ${errors.join(", ")}`);
        const few = Math.min(count, 3);
        const values = relativeDifference(s.slice([0, few]).dataSync(), svdvals(a.slice([0, few]).to(cpu)).dataSync());
        if (!(values < 1e-13 * m)) fail(`${count} of [${m}, ${n}]: singular values differ from the CPU's by ${values}`);
        errors.push(values);
      }
      return worst;
    },
    "batches of symmetric eigenproblems, at once": () => {
      const worst = {};
      for (const dtype of floats) {
        for (const [count, n] of tiny
          ? [[2, 33]]
          : [
              [300, 40],
              [100, 128],
              [4, 500],
            ]) {
          // prettier-ignore
          const x = random.normal(random.key(14), { shape: [count, n, n], dtype });
          const a = x.add(x.transpose([0, 2, 1]));
          const { values, vectors } = eigh(a);
          const scaled = vectors.mul(values.reshape([count, 1, n]));
          const errors = [
            a.matmul(vectors).sub(scaled).abs().max().itemSync() / values.abs().max().itemSync(),
            vectors.transpose([0, 2, 1]).matmul(vectors).sub(eye(n, n, { dtype })).abs().max().itemSync(),
          ]; // prettier-ignore
          worst[`${count} x ${n} x ${n}, ${dtype}`] = errors;
          const bound = n * (dtype === "float32" ? 2 ** -23 : 2 ** -52);
          if (!errors.every((error) => error < bound)) fail(`${count} of ${n}, ${dtype}: ${errors.join(", ")}`);
          const few = Math.min(count, 3);
          const eigenvalues = relativeDifference(values.slice([0, few]).dataSync(), eigvalsh(exactly(a.slice([0, few]))).dataSync()); // prettier-ignore
          if (!(eigenvalues < bound)) fail(`${count} of ${n}, ${dtype}: eigenvalues differ from the CPU's by ${eigenvalues}`); // prettier-ignore
          errors.push(eigenvalues);
        }
      }
      return worst;
    },
    "small singular values of a batch, to as many digits as large ones": () => {
      const [count, m, n] = tiny ? [2, 34, 5] : [50, 120, 16];
      const { q } = qr(random.normal(random.key(15), { shape: [count, m, n], dtype: "float64" }));
      const scales = Float64Array.from({ length: n }, (_, i) => 10 ** (-1.5 * i));
      const got = svdvals(q.mul(tensor(scales, { dtype: "float64" })), { accurate: true }).dataSync();
      const worst = Math.max(...got.map((y, i) => Math.abs(y / scales[i % n] - 1)));
      if (!(worst < 1e-12)) fail(`relative error ${worst}`);
      return { worst };
    },
    "convolutions and their slopes: the CPU's numbers": () => {
      const differences = {};
      const [images, channels, side] = tiny ? [2, 3, 8] : [2, 24, 28];
      for (const dtype of tiny ? /** @type {const} */ (["float32"]) : floats) {
        const keys = random.split(random.key(26), 3);
        const shapes = [
          [images, channels, side, side],
          [2 * channels, channels, 3, 3],
          [images, 2 * channels, side / 2, side / 2],
        ];
        const [x, w, ct] = shapes.map((shape, i) => random.normal(keys[i], { shape, dtype }));
        const f = (a, b) => conv(a, b, { stride: 2, padding: 1 });
        const all = jit((/** @type {Tensor} */ a, /** @type {Tensor} */ b, /** @type {Tensor} */ c) => [
          f(a, b),
          grad((/** @type {Tensor} */ z) => f(z, b).mul(c).sum())(a),
          grad((/** @type {Tensor} */ z) => f(a, z).mul(c).sum())(b),
        ]);
        const got = all(x, w, ct).map((y) => y.dataSync());
        const wanted = all(exactly(x), exactly(w), exactly(ct)).map((y) => y.dataSync());
        const all3 = got.map((y, i) => relativeDifference(y, wanted[i]));
        if (!all3.every((difference) => difference < (dtype === "float32" ? 1e-5 : 1e-13))) fail(`${dtype}: they differ by ${all3.join(", ")}`); // prettier-ignore
        differences[dtype] = all3;
      }
      return { differences, by: place.describe().split("; ").filter((part) => /onvolutions/.test(part)).join("; ") }; // prettier-ignore
    },
    "a recurrence and running sums of long lines, softmax of rows with infinities": () => {
      const n = tiny ? 1500 : 2 ** 21;
      const [a, b] = random
        .split(random.key(13), 2)
        .map((key) => random.uniform(key, { shape: [n], dtype: "float64" }));
      const f = (x, y) => [linearRecurrence(x, y, 0), cumsum(y.sub(0.5), 0)];
      const expected = f(a.to(cpu), b.to(cpu)).map((y) => y.dataSync());
      const differences = f(a, b).map((y, i) => relativeDifference(y.dataSync(), expected[i]));
      if (!differences.every((difference) => difference < 1e-11)) fail(`they differ by ${differences.join(", ")}`);
      const rows = tensor([[-Infinity, -Infinity, -Infinity], [-Infinity, 3, -Infinity], [Infinity, 1, 2], [NaN, 1, 2], [700, 710, 690]]); // prettier-ignore
      const sums = jit((/** @type {Tensor} */ x) => logSumExp(x, 1))(rows).dataSync();
      const wanted = [-Infinity, 3, Infinity, NaN, 710.0000454];
      wanted.forEach((value, i) => {
        if (!Object.is(sums[i], value) && !(Math.abs(sums[i] - value) < 1e-3)) fail(`log-sum-exp of row ${i} is ${sums[i]}`); // prettier-ignore
      });
      return { differences };
    },
    "random bits and uniforms are the CPU's": () => {
      const draw = (where) => {
        use(where);
        return random.uniform(random.key(8), { shape: [4099] }).dataSync();
      };
      const difference = relativeDifference(draw(place), draw(cpu));
      if (difference > 2e-7) fail(`they differ by ${difference}`);
      return { difference };
    },
  };
}
