/** Nonsense is refused by a typed error that names the function and the argument; and nothing of the user's TensorFlow.js or of the globals is changed. */

import { isCurvError, tensor, use, type Tensor } from "@curv/tensor";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { backendFromTfjs, fromTfjs, functionFromLayersModel, toTfjs, weightsToLayersModel } from "./index.js";

beforeAll(async () => {
  await tf.setBackend("cpu");
});
afterEach(() => use("cpu"));

const nonsense: readonly unknown[] = [
  null, undefined, NaN, 7, -1, "", "x", true, Symbol("s"), 10n, [], [null], {}, { layers: 3 }, { layers: [], inputs: [{}] },
  () => 1, new Date(0), new Float32Array(2), Object.create(null), new Proxy({}, {}),
]; // prettier-ignore

/** Every call's error is Curv's own, and its message begins with the function's name. Calls that may succeed give null. */
async function refusals(name: string, calls: readonly (() => unknown)[]): Promise<void> {
  for (const [i, call] of calls.entries()) {
    let error: unknown;
    try {
      await call();
    } catch (e) {
      error = e;
    }
    const which = `${name}, call ${i}`;
    if (error === undefined) throw new Error(`${which}: nothing was thrown`);
    expect(isCurvError(error), `${which}: ${String(error)}`).toBe(true);
    expect((error as Error).message, which).toMatch(new RegExp(`^${name}\\b.*: .+`));
  }
}

const none = undefined as unknown;
/** All but what counts as left out. */
const options = nonsense.filter((v) => v !== none && !(typeof v === "object" && v !== null && !Array.isArray(v)));

test("nonsense for what makes backends and passes tensors over", async () => {
  const backend = backendFromTfjs(tf);
  const x = tf.tensor([1, 2]);
  await refusals("backendFromTfjs", nonsense.map((v) => () => backendFromTfjs(v as never)));
  await refusals("backendFromTfjs", options.map((v) => () => backendFromTfjs(tf, v as never)));
  await refusals("fromTfjs", nonsense.map((v) => () => fromTfjs(v as never, backend)));
  await refusals("fromTfjs", nonsense.map((v) => () => fromTfjs(x as never, v as never)));
  await refusals("toTfjs", nonsense.map((v) => () => toTfjs(v as never)));
  await refusals("fromTfjs", [() => fromTfjs(tensor([1]) as never, backend), () => fromTfjs(tf.tensor(["a"]), backend), () => fromTfjs(tf.complex([1], [2]), backend)]);
  await refusals("toTfjs", [() => toTfjs(x as never), () => toTfjs(tensor([1, 2]))]);
}); // prettier-ignore

test("nonsense for models and their functions", async () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], name: "only" })] });
  const { apply, applyAll, advance, applyTraining, params } = await functionFromLayersModel(model);
  const x = tensor([[1, 2]]);
  const f = "functionFromLayersModel";
  await refusals(f, nonsense.map((v) => () => functionFromLayersModel(v as never)));
  await refusals(f, options.map((v) => () => functionFromLayersModel(model, v as never)));
  await refusals(f, ["int32", null, 3, {}].map((dtype) => () => functionFromLayersModel(model, { dtype } as never)));
  await refusals("weightsToLayersModel", nonsense.map((v) => () => weightsToLayersModel(v as never, model, params)));
  await refusals("weightsToLayersModel", nonsense.map((v) => () => weightsToLayersModel(tf, v as never, params)));
  await refusals("weightsToLayersModel", nonsense.map((v) => () => weightsToLayersModel(tf, model, v as never)));
  for (const call of [apply, applyAll]) {
    await refusals(f, nonsense.map((v) => () => call(v as never, x)));
    await refusals(f, nonsense.map((v) => () => call(params, v as never)));
  }
  await refusals(f, nonsense.map((v) => () => advance(v as never, {}, x)));
  await refusals(f, nonsense.map((v) => () => advance(params, {}, v as never)));
  await refusals(f, nonsense.filter((v) => typeof v !== "object" || v === null || Array.isArray(v)).map((v) => () => advance(params, v as never, x)));
  await refusals("(functionFromLayersModel|applyTraining)", nonsense.map((v) => () => applyTraining(params, v as never)));
  await refusals("(functionFromLayersModel|applyTraining)", nonsense.map((v) => () => applyTraining(v as never, [x])));
  await refusals("(functionFromLayersModel|applyTraining)", options.map((v) => () => applyTraining(params, [x], v as never)));
}); // prettier-ignore

test("a key that is none is refused where it is given, not where it is drawn from", async () => {
  const model = tf.sequential({ layers: [tf.layers.dropout({ rate: 0.5, inputShape: [2] })] });
  const { applyTraining, params } = await functionFromLayersModel(model);
  const keys = nonsense.filter((v) => v !== none);
  await refusals("applyTraining", keys.map((key) => () => applyTraining(params, [tensor([[1, 2]])], { key: key as Tensor }))); // prettier-ignore
});

const shown = (object: object): Map<string | symbol, unknown> =>
  new Map(Reflect.ownKeys(object).map((key) => {
    const { value, get } = Object.getOwnPropertyDescriptor(object, key)!;
    return [key, (value as unknown) ?? get];
  })); // prettier-ignore

/** What can be changed of a module of TensorFlow.js: engines, flags, kernels, the prototype of its tensors. */
function settings(): unknown {
  const { registry, registryFactory } = tf.engine() as unknown as Record<string, Record<string, object>>;
  const { flags, flagRegistry } = tf.env() as unknown as Record<string, object>;
  return {
    active: tf.getBackend(),
    engines: [shown(registry), Object.keys(registryFactory)],
    flags: [{ ...flags }, Object.keys(flagRegistry)],
    kernels: ["cpu", "webgl", "wasm"].map((name) => tf.getKernelsForBackend(name).map((k) => [k.kernelName, k.kernelFunc])),
    tensors: shown(tf.Tensor.prototype),
    held: tf.memory().numTensors,
    module: shown(tf),
  }; // prettier-ignore
}

test("importing the package and making a backend changes nothing outside", async () => {
  tf.add(tf.tensor([1]), 1).dataSync(); // flags are evaluated when they are first asked for
  const places = [globalThis, Object.prototype, Array.prototype, Function.prototype, Promise.prototype, Float32Array.prototype, Math]; // prettier-ignore
  const globals = places.map(shown);
  const before = settings();
  vi.resetModules();
  const fresh = (await import("./index.js")) as { backendFromTfjs: typeof backendFromTfjs };
  expect(fresh.backendFromTfjs).not.toBe(backendFromTfjs);
  expect(places.map(shown)).toEqual(globals);
  expect(settings()).toEqual(before);

  const backend = backendFromTfjs(tf);
  expect(settings()).toEqual(before);
  const [x, y] = [tensor([1, 2, 3]).to(backend), tensor([4, 5, 6]).to(backend)];
  const z = x.mul(y).tanh().sum();
  expect(await z.item()).toBeCloseTo(3, 2);
  for (const t of [x, y, z]) t.dispose();
  const after = settings() as { held: number };
  expect({ ...after, held: 0 }).toEqual({ ...(before as object), held: 0 });
  expect(places.map(shown)).toEqual(globals);
});
