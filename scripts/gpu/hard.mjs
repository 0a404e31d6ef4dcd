/** Cases that a card may do differently from the fake one: no memory left, a fault, large arrays, graphs, true float32. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { conv, cpu, cumsum, eye, grad, jit, linearRecurrence, logSumExp, makeGraph, relu, tensor, tidy, use, zeros } from "@curv/tensor"; // prettier-ignore
import { fft, irfft, rfft } from "@curv/tensor/fft";
import { eigh, qr, svd, svdvals } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { fail, floats, openCard, relativeDifference, messageOf } from "./harness.mjs";

/** @typedef {import("@curv/tensor").Tensor} Tensor */

/** What was asked of a case, and what came of it. */
function attempt(place, f) {
  use(place);
  try {
    return { ok: true, ...f() };
  } catch (error) {
    return {
      ok: false,
      message: String(error instanceof Error ? (error.stack ?? error.message) : error).slice(0, 1500),
    };
  }
}

export function hard({ tiny }) {
  const place = openCard();
  const program = jit((/** @type {Tensor} */ x, /** @type {Tensor} */ y) => {
    const z = x.matmul(y).tanh();
    return [
      z.sum(0),
      z.exp().sum(1),
      z.max(),
      z.argMax(1),
      z
        .sub(z.sum(1, { keepDims: true }))
        .square()
        .sum(),
    ];
  });
  const cases = {
    "graphs and launches: the same bits": () => {
      const n = tiny ? 20 : 1000;
      const run = (graphs) => {
        const there = openCard({ graphs, name: `cuda-${graphs}` });
        const [x, y] = random.split(random.key(6), 2).map((key) => random.normal(key, { shape: [n, n] }));
        const texts = Array.from({ length: 5 }, () =>
          program(x, y)
            .map((z) => Buffer.from(z.dataSync().buffer).toString("base64"))
            .join(),
        );
        const { replays } = there.device;
        there.dispose();
        return { texts, replays };
      };
      const [a, b] = [run(true), run(false)];
      if (new Set([...a.texts, ...b.texts]).size !== 1) fail("bits differ");
      if (a.replays === 0 || b.replays !== 0) fail(`replays: ${a.replays} and ${b.replays}`);
      return { replays: a.replays };
    },
    "no memory: figures, and the next small allocation works": () => {
      const there = openCard({ name: "cuda-full" });
      const held = [];
      let message = "";
      const size = tiny ? 2 ** 25 : 2 ** 30;
      try {
        for (let i = 0; i < 400; i++) held.push(tidy(() => zeros([size], { dtype: "float64" }).add(i)));
      } catch (error) {
        message = messageOf(error);
      }
      held.forEach((x) => x.dispose());
      if (!/no memory for .* float64.*are free, this backend holds.*tidy/.test(message))
        fail(`the error was: ${message}`);
      if (tensor([1, 2]).to(there).add(1).dataSync()[1] !== 3) fail("a small sum is wrong afterwards");
      there.dispose();
      return { message };
    },
    "true float32: ‖C − AB‖ ≤ 5e-6 ‖AB‖ at k = 4096": () => {
      const [m, k] = tiny ? [8, 64] : [256, 4096];
      const [x, y] = random.split(random.key(7), 2).map((key) => random.normal(key, { shape: [k, m] }));
      const got = x.transpose().matmul(y).dataSync();
      const [p, q] = [x, y].map((z) => z.to(cpu).cast("float64"));
      const wanted = p.transpose().matmul(q).dataSync();
      let [difference, norm] = [0, 0];
      wanted.forEach((value, i) => {
        difference += (got[i] - value) ** 2;
        norm += value ** 2;
      });
      const error = Math.sqrt(difference / norm);
      if (!(error <= 5e-6)) fail(`relative error ${error}`);
      return { error };
    },
    "a product, its bias and a rectifier in one call: the numbers of three kernels, and NaN stays NaN": () => {
      const n = tiny ? 20 : 1000;
      const layer = jit((/** @type {Tensor} */ x, /** @type {Tensor} */ w, /** @type {Tensor} */ b) => relu(x.matmul(w).add(b))); // prettier-ignore
      const seen = {};
      for (const dtype of floats) {
        const run = (epilogues) => {
          const there = openCard({ epilogues, name: `cuda-epilogues-${epilogues}` });
          const keys = random.split(random.key(11), 3);
          const [x, w, b] = [[n, n], [n, n], [n]].map((shape, i) => random.normal(keys[i], { shape, dtype }));
          const row = tensor(Float64Array.from({ length: n }, (_, i) => (i === 3 ? NaN : 0)), { dtype: "float64" }).cast(dtype).reshape([n, 1]); // prettier-ignore
          const [plain, spoilt] = [layer(x, w, b).dataSync(), layer(x.add(row), w, b).dataSync()];
          const steps = there.explain(makeGraph(layer, x, w, b));
          there.dispose();
          return { plain, spoilt, steps };
        };
        const [one, three] = [run(true), run(false)];
        const difference = relativeDifference(one.plain, three.plain);
        if (!(difference < (dtype === "float32" ? 1e-5 : 1e-13))) fail(`${dtype}: they differ by ${difference}`);
        one.spoilt.forEach((value, i) => {
          if (Number.isNaN(value) !== (Math.floor(i / n) === 3)) fail(`${dtype}: element ${i} is ${value}`);
        });
        seen[dtype] = { difference, steps: one.steps };
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
    "transforms of real numbers at half the work: those of complex ones": () => {
      const differences = {};
      for (const dtype of floats) {
        for (const n of tiny ? [12, 7] : [2 ** 20, 1000 * 999, 30_011]) {
          const x = random.normal(random.key(16), { shape: [n % 2 === 0 ? 3 : 2, n], dtype });
          const there = (/** @type {Tensor} */ y) => Object.values(rfft(y));
          const whole = (/** @type {Tensor} */ y) => Object.values(fft(y));
          const back = (/** @type {Tensor} */ y, /** @type {Tensor} */ z) => irfft({ re: y, im: z }, { n });
          // What is not compiled does not know that im is zero.
          const [re, im] = there(x);
          const halves = jit(there)(x).map((y, i) => relativeDifference(y.dataSync(), [re, im][i].dataSync()));
          const wholes = jit(whole)(x).map((y, i) => relativeDifference(y.dataSync(), whole(x)[i].dataSync()));
          const again = relativeDifference(jit(back)(re, im).dataSync(), x.dataSync());
          const all = [...halves, ...wholes, again];
          differences[`${n}, ${dtype}`] = all;
          if (!all.every((difference) => difference < (dtype === "float32" ? 1e-5 : 1e-13))) fail(`${n}, ${dtype}: ${all.join(", ")}`); // prettier-ignore
        }
      }
      return differences;
    },
    "convolutions and their slopes by cuDNN: the numbers of own kernels, and the same bits each time": () => {
      const seen = {};
      const [images, channels, side] = tiny ? [2, 3, 8] : [64, 32, 32];
      for (const dtype of floats) {
        const run = (convolutions) => {
          const there = openCard({ convolutions, name: `cuda-conv-${convolutions ?? "found"}` });
          const keys = random.split(random.key(17), 3);
          const shapes = [
            [images, channels, side, side],
            [2 * channels, channels, 3, 3],
            [images, 2 * channels, side / 2, side / 2],
          ];
          const [x, w, ct] = shapes.map((shape, i) => random.normal(keys[i], { shape, dtype }));
          const f = (a, b) => conv(a, b, { stride: 2, padding: 1 });
          const all = jit((/** @type {Tensor} */ a, /** @type {Tensor} */ b, /** @type {Tensor} */ c) => [
            f(a, b),
            conv(a, b),
            grad((/** @type {Tensor} */ z) => f(z, b).mul(c).sum())(a),
            grad((/** @type {Tensor} */ z) => f(a, z).mul(c).sum())(b),
          ]); // prettier-ignore
          const [first, ...others] = Array.from({ length: 4 }, () => all(x, w, ct).map((y) => y.dataSync()));
          const same = others.every((results) => results.every((y, i) => relativeDifference(y, first[i]) === 0));
          const line = there.describe().split("; ").filter((part) => /onvolutions|cuDNN/.test(part)).join("; "); // prettier-ignore
          there.dispose();
          return { first, same, line };
        };
        const [found, own] = [run(undefined), run("own")];
        const differences = found.first.map((y, i) => relativeDifference(y, own.first[i]));
        if (!found.same || !own.same) fail(`${dtype}: bits differ from call to call`);
        if (!differences.every((difference) => difference < (dtype === "float32" ? 1e-5 : 1e-13))) fail(`${dtype}: they differ by ${differences.join(", ")}`); // prettier-ignore
        seen[dtype] = { differences, line: found.line };
      }
      return seen;
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
    "arrays of more than 2³¹ bytes": () => {
      const n = tiny ? 2 ** 12 : 2 ** 30;
      const x = zeros([n], { dtype: "float32" }).add(1);
      const sum = x.sum().itemSync();
      x.dispose();
      if (sum !== n) fail(`the sum of ${n} ones is ${sum}`);
      return { elements: n };
    },
    // Last: it leaves the context of its process dead, so it has a process of its own.
    "a fault on the device names its suspects, and the CPU goes on": () => {
      const self = fileURLToPath(import.meta.url);
      const { stdout, stderr } = spawnSync(process.execPath, [self, "fault"], { encoding: "utf8", timeout: 60_000 });
      const result = stdout.trim().split("\n").at(-1) ?? "";
      if (!/"named":true/.test(result) || !/"cpu":true/.test(result)) fail(`${stdout}\n${stderr}`);
      return JSON.parse(result);
    },
  };
  const results = Object.fromEntries(Object.entries(cases).map(([name, f]) => [name, attempt(place, f)]));
  return { ok: Object.values(results).every(({ ok }) => ok), ...results };
}

/** Writes to an address that is not there; the fake card stops at the barrier that not all threads reach. */
export function fault() {
  const place = openCard();
  const { device } = place;
  const kernel = device.kernel(
    'extern "C" __global__ void poke(float* x) { if (threadIdx.x < 5) { __syncthreads(); x[0] = 1.0f; } }',
    "poke",
  );
  device.launch(kernel, { x: 1 }, 64, [8n], "the bad one");
  let message = "";
  try {
    tensor([1, 2]).to(place).add(1).dataSync();
  } catch (error) {
    message = messageOf(error);
  }
  use(cpu);
  const alive = tensor([1, 2]).add(1).dataSync()[1] === 3;
  return { ok: /the bad one/.test(message) && alive, named: /the bad one/.test(message), cpu: alive, message };
}
