/** Curvature of networks: a Hessian-vector product beside the matrix products that it cannot do without, of ResNet-20, and a spectrum. */

import { hessianOperator, spectralMeasure } from "@curv/hvp";
import { softmaxCrossEntropy } from "@curv/loss";
import { groupNorm, resnet } from "@curv/nn";
import { cpu, grad, hvp, jit, use } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { map, ravel } from "@curv/tensor/tree";
import { openCard, relativeDifference, timed } from "./harness.mjs";

/**
 * @typedef {import("@curv/tensor").Tensor} Tensor
 * @typedef {{ w: Tensor, b: Tensor }[]} Layers
 * @typedef {ReturnType<ReturnType<typeof resnet>["init"]>} Weights
 */

const normal = (key, shape, scale = 1) => random.normal(key, { shape, dtype: "float32" }).mul(scale);

/** [w, b] of each layer, mean((mlp(x) − y)²), and what they are taken at. */
function network(sizes, batch) {
  const keys = random.split(random.key(0), 2 * sizes.length + 2);
  const layers = (k) =>
    sizes.slice(1).map((n, i) => ({
      w: normal(keys[i + k], [sizes[i], n], 1 / Math.sqrt(sizes[i])),
      b: normal(keys[i + k], [n], 0.1),
    }));
  const x = normal(keys[2 * sizes.length], [batch, sizes[0]]);
  const y = normal(keys[2 * sizes.length + 1], [batch, sizes[sizes.length - 1]]);
  /** @type {(params: Layers, inputs: Tensor, targets: Tensor) => Tensor} */
  const loss = (params, inputs, targets) => {
    let h = inputs;
    params.forEach(({ w, b }, i) => {
      h = h.matmul(w).add(b);
      if (i < params.length - 1) h = h.tanh();
    });
    return h.sub(targets).square().mean();
  };
  return { params: layers(0), v: layers(sizes.length), x, y, loss };
}

/**
 * Operations of the products of one Hessian-vector product, forward over reverse: of a layer with three in the forward pass, two for the
 * weights' gradient and three for its input's; of the first, whose input does not move and wants no gradient, three in all.
 */
const productFlops = (sizes, batch) =>
  sizes.slice(1).reduce((sum, n, i) => sum + 2 * batch * sizes[i] * n * (i === 0 ? 3 : 8), 0);

/** u·Hv = v·Hu, relative to |u·Hv|: what a wrong product does not keep. */
function asymmetry(product, params, u, v) {
  const inner = (a, b) => {
    const [p, q] = [ravel(a).vector.cast("float64"), ravel(b).vector.cast("float64")];
    return p.mul(q).sum().itemSync();
  };
  const [left, right] = [inner(u, product(params, v)), inner(v, product(params, u))];
  return Math.abs(left - right) / Math.abs(left);
}

/** MLP 8192-8192-8192-1000, batch 4096: float32 and TF32, each beside a large product of the same run. */
export function hvpMlp({ tiny, left, save }) {
  const [sizes, batch] = tiny ? [[24, 16, 16, 5], 8] : [[8192, 8192, 8192, 1000], 4096];
  const n = tiny ? 64 : 8192;
  const results = {};
  for (const matmulPrecision of /** @type {const} */ (["highest", "tf32"])) {
    const place = openCard({ matmulPrecision, name: `cuda-${matmulPrecision}` });
    const [a, b] = random.split(random.key(9), 2).map((key) => normal(key, [n, n]));
    const multiply = jit((/** @type {Tensor} */ p, /** @type {Tensor} */ q) => p.matmul(q));
    const ceiling = timed(place, () => multiply(a, b), { seconds: Math.min(8, left() / 8) });
    const flopsCeiling = (2 * n ** 3) / (1e-3 * ceiling.milliseconds);
    const { params, v, x, y, loss } = network(sizes, batch);
    const product = jit((/** @type {Layers} */ p, /** @type {Layers} */ u) => hvp((q) => loss(q, x, y), p, u));
    const u = map((leaf) => leaf.mul(0.5).add(0.01), v);
    const symmetric = asymmetry(product, params, u, v);
    const time = timed(place, () => product(params, v), { seconds: Math.min(25, left() / 4) });
    const flops = productFlops(sizes, batch) / (1e-3 * time.milliseconds);
    results[matmulPrecision] = {
      ceiling,
      ceilingTeraflops: flopsCeiling / 1e12,
      product: time,
      productTeraflops: flops / 1e12,
      ofCeiling: flops / flopsCeiling,
      asymmetry: symmetric,
      ok: symmetric < (matmulPrecision === "highest" ? 1e-2 : 0.1),
      memory: place.memory(),
      description: place.describe(),
    };
    place.dispose();
    save({ sizes, batch, ...results });
  }
  return {
    ok: Object.values(results).every(({ ok }) => ok),
    sizes,
    batch,
    target: { highest: 0.9, tf32: 0.8 },
    ...results,
  };
}

/** MLP 784-256-256-10, batch 512: where launches cost. With and without graphs. */
export function hvpSmall({ tiny, left }) {
  const [sizes, batch] = tiny ? [[6, 5, 5, 2], 4] : [[784, 256, 256, 10], 512];
  const results = {};
  const seen = [];
  for (const graphs of [true, false]) {
    const place = openCard({ graphs, name: `cuda-${graphs ? "graphs" : "launches"}` });
    const { params, v, x, y, loss } = network(sizes, batch);
    const product = jit((/** @type {Layers} */ p, /** @type {Layers} */ u) => hvp((q) => loss(q, x, y), p, u));
    const time = timed(place, () => product(params, v), { seconds: Math.min(8, left() / 4) });
    const before = place.launches;
    seen.push(product(params, v)[0].w.dataSync());
    results[graphs ? "graphs" : "launches"] = { ...time, kernelsPerCall: place.launches - before };
    place.dispose();
  }
  const same = seen[0].every((value, i) => Object.is(value, seen[1][i]));
  return { ok: same, sameBits: same, sizes, batch, targetMilliseconds: 0.15, ...results };
}

/** ResNet-20 with group norm on images of 3 × 32 × 32. */
function residual(tiny) {
  const model = resnet({ depth: tiny ? 8 : 20, out: 10, norm: (features) => groupNorm({ groups: 8, features }) });
  const images = tiny ? 1 : 256;
  const data = {
    inputs: random.normal(random.key(1), { shape: [images, 3, tiny ? 8 : 32, tiny ? 8 : 32] }),
    targets: random.randint(random.key(2), 0, 10, { shape: [images] }),
  };
  /** @typedef {{ inputs: Tensor, targets: Tensor }} Data */
  /** @type {(p: Weights, data: Data) => Tensor} */
  const loss = (p, { inputs, targets }) => softmaxCrossEntropy(model.apply(p, inputs), targets);
  return { params: model.init(random.key(0)), data, loss, images };
}

export function hvpResnet({ tiny, left, save }) {
  const place = openCard();
  const measure = () => {
    const { params, data, loss, images } = residual(tiny);
    const v = map((leaf) => leaf.mul(0.5).add(0.01), params);
    const product = jit((/** @type {Weights} */ p, /** @type {Weights} */ u, /** @type {typeof data} */ d) => hvp((q) => loss(q, d), p, u)); // prettier-ignore
    const gradient = jit((/** @type {Weights} */ p, /** @type {typeof data} */ d) => grad((/** @type {Weights} */ q) => loss(q, d))(p)); // prettier-ignore
    return { params, data, v, images, product, gradient };
  };
  const { params, data, v, images, product, gradient } = measure();
  const got = tiny ? ravel(product(params, v, data)).vector.dataSync() : null;
  const time = timed(place, () => product(params, v, data), { seconds: Math.min(30, left() / 3) });
  save({ images, product: time });
  const ofGradient = timed(place, () => gradient(params, data), { seconds: Math.min(15, left() / 3) });
  /** @type {number | null} */
  let difference = null;
  if (got !== null) {
    use(cpu);
    const there = measure();
    difference = relativeDifference(got, ravel(there.product(there.params, there.v, there.data)).vector.dataSync());
  }
  return {
    ok: difference === null || difference < 1e-3,
    images,
    product: time,
    gradient: ofGradient,
    productOverGradient: time.milliseconds / ofGradient.milliseconds,
    fromCpu: difference,
    memory: place.memory(),
  };
}

/** Stochastic Lanczos quadrature of ResNet-20's Hessian end to end, 50 steps for each of 8 probes. */
export async function slq({ tiny, left }) {
  const place = openCard();
  const { params, data, loss, images } = residual(tiny);
  const [probes, steps] = tiny ? [1, 3] : [8, 50];
  const hessian = hessianOperator(loss, params, data);
  const run = async (count, length) => {
    const start = performance.now();
    const measure = await spectralMeasure(hessian, random.key(2), { probes: count, steps: length });
    return { measure, milliseconds: performance.now() - start };
  };
  const first = await run(1, 3);
  const warm = await run(1, 3);
  const predicted = (warm.milliseconds / 3) * probes * steps;
  const common = { images, probes, steps, firstMilliseconds: first.milliseconds, warmMillisecondsPerProduct: warm.milliseconds / 3 }; // prettier-ignore
  if (predicted > 900 * left())
    return { ok: false, ...common, notMeasured: `it would take ${predicted} ms; give it more by --limit` };
  const { measure, milliseconds } = await run(probes, steps);
  return {
    ok: finite(measure),
    ...common,
    milliseconds,
    millisecondsPerProduct: milliseconds / (probes * steps),
    memory: place.memory(),
    replays: place.device.replays,
  };
}

/** Whether all numbers of a result are numbers. */
function finite(value) {
  if (typeof value === "number") return Number.isFinite(value);
  if (ArrayBuffer.isView(value) || Array.isArray(value)) return Array.from(/** @type {ArrayLike<number>} */ (value)).every(finite); // prettier-ignore
  if (typeof value !== "object" || value === null || typeof value.dispose === "function") return true;
  return Object.values(value).every(finite);
}
