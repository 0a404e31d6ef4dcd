/**
 * Cases that a card may do differently from the fake one: no memory left, a fault, large arrays, graphs, true float32, libraries beside own
 * kernels. What must hold and does not is an error.
 */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { cudaDevices, cudaGroup } from "@curv/backend-cuda";
import { conv, cpu, grad, jit, makeGraph, relu, tensor, tidy, use, zeros } from "@curv/tensor";
import { fft, irfft, rfft } from "@curv/tensor/fft";
import * as random from "@curv/tensor/random";
import { fail, floats, messageOf, openCard, relativeDifference } from "./harness.mjs";

/** @typedef {import("@curv/tensor").Tensor} Tensor */

/**
 * @param {import("./harness.mjs").CudaBackend} place
 * @param {boolean} tiny Whether sizes are those of a test.
 */
export function cardCases(place, tiny) {
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
  return {
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
      const size = tiny ? 2 ** 22 : 2 ** 30;
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
    "collectives over the cards that there are: those of the host, and the same on each": () => {
      const cards = tiny ? 2 : 8;
      const places = cudaDevices().slice(0, cards).map(({ index }) => openCard({ device: index, name: `cuda-of-group-${index}` })); // prettier-ignore
      const rows = tiny ? 12 : 2 ** 20;
      const xs = places.map((there, i) => {
        use(there);
        return random.normal(random.key(30 + i), { shape: [rows * places.length, 2] });
      });
      const by = (/** @type {"nccl" | "host"} */ collectives) => {
        const group = cudaGroup(places, { collectives });
        const all = [
          ...group.allReduce(xs, "sum"),
          ...group.allReduce(xs, "max"),
          ...group.reduceScatter(xs, "avg"),
          ...group.allGather(xs),
          ...group.broadcast(xs[0]),
        ].map((y) => y.dataSync());
        group.dispose();
        return all;
      };
      let found;
      try {
        found = by("nccl");
      } catch (error) {
        if (!/nccl was not found/.test(messageOf(error))) throw error;
        return { notRun: messageOf(error).split("\n")[0] };
      } finally {
        use(place);
      }
      const differences = by("host").map((y, i) => relativeDifference(found[i], y));
      for (const there of places) there.dispose();
      if (!differences.every((difference) => difference < 1e-6)) fail(`they differ by ${differences.join(", ")}`);
      return { cards: places.length, differences };
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
