/** The statements that the conformance suite proves of one example on one backend. Each throws an error that says what is wrong. */

import type { Backend } from "../backend/backend.js";
import { cpu } from "../cpu/backend.js";
import { fromTypedArray } from "../create.js";
import { epsilon, isFloat, type DType, type FloatDType } from "../dtype.js";
import { own } from "../memory.js";
import { stack } from "../ops/movement.js";
import { sum } from "../ops/reduce.js";
import { formatShape, sameShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { grad } from "../transform/grad.js";
import { jit } from "../transform/jit.js";
import { jvp } from "../transform/jvp.js";
import { vjp } from "../transform/linearize.js";
import { bind } from "../transform/trace.js";
import { vmap } from "../transform/vmap.js";
import { difference, distance, elements, inner, norm, ulp } from "./measure.js";
import { make, uniformOf } from "./operand.js";
import type { Situation } from "./situation.js";

type Tensors = readonly Tensor[];

/** Operands drawn from the stream of that name, on the backend or for the reference: float64 on the CPU. */
export function operandsOf({ backend, dtype, entry, example }: Situation, stream: string, reference = false): Tensor[] {
  const uniform = uniformOf(stream);
  const type = reference && isFloat(dtype) && entry.ownDType !== true ? "float64" : dtype;
  return example.operands.map((operand) => make(operand, type, uniform).to(reference ? cpu : backend));
}

/** The example as a function of its operands. */
export function applied({
  entry: { primitive },
  example: { params, prepare, observe },
}: Situation): (inputs: Tensors) => Tensors {
  return (inputs) => {
    const operands = prepare === undefined ? inputs : prepare(inputs);
    const outs = bind(primitive, operands, params);
    return observe === undefined ? outs : observe(outs, operands);
  };
}

/** The example as a function of its float operands to its float results: what has derivatives. Null if there is none. */
interface Differentiable {
  readonly at: Tensor[];
  readonly f: (floats: Tensor[]) => Tensor[];
}

function differentiable(situation: Situation, inputs: Tensors): Differentiable | null {
  const isActive = inputs.map((x) => isFloat(x.dtype));
  const f = (floats: Tensor[]): Tensor[] => {
    let next = 0;
    const all = inputs.map((x, i) => (isActive[i] ? floats[next++] : x));
    return applied(situation)(all).filter((y) => isFloat(y.dtype));
  };
  const at = inputs.filter((_, i) => isActive[i]);
  return at.length === 0 || f(at).length === 0 ? null : { at, f };
}

/** Numbers in [−1, 1) like `tensors`, from the stream of that name. */
function directions(tensors: Tensors, stream: string, backend: Backend): Tensor[] {
  const uniform = uniformOf(stream);
  return tensors.map((x) => {
    const out = own(x.dtype, x.size);
    for (let i = 0; i < out.length; i++) out[i] = 2 * uniform() - 1;
    return fromTypedArray(out, x.shape, x.dtype).to(backend);
  });
}

function fail(message: string): never {
  throw new Error(message);
}

function atMost(error: number, bound: number, what: string): void {
  if (!(error <= bound)) fail(`${what}: error ${error}, bound ${bound}`);
}

/** ε of the dtype under test; that of the float dtype for what is exact anyway. */
function precision(dtype: DType): number {
  return epsilon(isFloat(dtype) ? dtype : "float64");
}

/** Tolerances of the derivative checks: in float64 those of the specification, in float32 what ε leaves of them. */
function tolerances({ dtype, example, tolerance }: Situation): Readonly<Record<"jvp" | "dot" | "symmetry", number>> {
  const factor = (example.condition ?? 1) * tolerance;
  return dtype === "float64"
    ? { jvp: 1e-7 * factor, dot: 1e-12 * factor, symmetry: 1e-11 * factor }
    : { jvp: 2e-5 * factor, dot: 1e-5 * factor, symmetry: 1e-4 * factor };
}

/** Allowed error of each element of each output, from the accuracy that the entry promises. */
export async function budgets(
  situation: Situation,
  expected: Tensors,
  inputs: Tensors,
): Promise<((i: number) => number)[]> {
  const { dtype, entry, tolerance } = situation;
  const { ulps = 0, sums = 0, norm: normwise = 0 } = entry.accuracy;
  const type: FloatDType = dtype === "float32" ? "float32" : "float64";
  const magnitudes = sums === 0 ? null : applied(situation)(inputs.map((x) => (isFloat(x.dtype) ? x.abs() : x)));
  return Promise.all(
    expected.map(async (y, k) => {
      if (!isFloat(y.dtype) || ulps + sums + normwise === 0) return () => 0;
      const values = await elements([y]);
      const terms = magnitudes === null ? null : await elements([magnitudes[k]]);
      const whole = normwise === 0 ? 0 : norm(values);
      return (i: number) =>
        tolerance *
        ((ulps + 0.5) * ulp(values[i], type) + epsilon(type) * (sums * (terms?.[i] ?? 0) + normwise * whole));
    }),
  );
}

async function expectWithin(
  got: Tensors,
  expected: Tensors,
  budget: readonly ((i: number) => number)[],
  what: string,
): Promise<void> {
  if (got.length !== expected.length) fail(`${what}: ${got.length} outputs, wanted ${expected.length}`);
  for (const [k, y] of got.entries()) {
    if (!sameShape(y.shape, expected[k].shape))
      fail(`${what}: shape ${formatShape(y.shape)}, wanted ${formatShape(expected[k].shape)}`);
    const wrong = difference(await elements([y]), await elements([expected[k]]), y.dtype, budget[k]);
    if (wrong !== null) fail(`${what}: output ${k}: ${wrong}`);
  }
}

async function expectSame(got: Tensors, expected: Tensors, what: string): Promise<void> {
  await expectWithin(
    got,
    expected,
    got.map(() => () => 0),
    what,
  );
}

async function expectClose(got: Tensors, expected: Tensors, relative: number, what: string): Promise<void> {
  const [a, b] = [await elements(got), await elements(expected)];
  if (a.length !== b.length) fail(`${what}: ${a.length} elements, wanted ${b.length}`);
  atMost(distance(a, b), relative * norm(b), what);
}

/** The value is that of the CPU in float64, within the budget of the entry; shape and dtype are those of the shape rule. */
export async function checkValue(situation: Situation): Promise<void> {
  const { entry, example } = situation;
  const inputs = operandsOf(situation, "value");
  const got = applied(situation)(inputs);
  const references = operandsOf(situation, "value", true);
  const expected = applied(situation)(references);
  if (example.observe === undefined) {
    const promised = entry.primitive.shape(inputs, example.params);
    got.forEach((y, k) => {
      if (y.dtype !== promised[k].dtype) fail(`output ${k} is ${y.dtype}, the shape rule says ${promised[k].dtype}`);
      if (!sameShape(y.shape, promised[k].shape)) {
        fail(`output ${k} has shape ${formatShape(y.shape)}, the shape rule says ${formatShape(promised[k].shape)}`);
      }
    });
  }
  await expectWithin(got, expected, await budgets(situation, expected, references), "value");
}

/** The value is that of another implementation, element by element. */
export async function checkOracle(situation: Situation): Promise<void> {
  const oracle = situation.entry.oracle!;
  const inputs = operandsOf(situation, "value");
  const [y] = applied(situation)(inputs);
  if (!inputs.every((x) => sameShape(x.shape, y.shape))) return;
  const columns = await Promise.all(inputs.map((x) => x.data()));
  const expected = Array.from({ length: y.size }, (_, i) => Number(oracle(...columns.map((column) => column[i]))));
  const { ulps = 0 } = situation.entry.accuracy;
  const budget = (i: number): number => (ulps === 0 ? 0 : ulps * ulp(expected[i], "float64"));
  const wrong = difference(await y.data(), expected, y.dtype, budget);
  if (wrong !== null) fail(`oracle: ${wrong}`);
}

/** J v of the CPU in float64 by central differences, whose truncation error is cubic in the step. */
async function differences(situation: Situation, { at, f }: Differentiable, v: Tensors): Promise<Float64Array> {
  const step = 6e-6;
  const moved = (by: number): Tensors => f(at.map((x, i) => x.add(v[i].mul(by))));
  const [ahead, behind] = [await elements(moved(step)), await elements(moved(-step))];
  return ahead.map((y, i) => (y - behind[i]) / (2 * step));
}

/** J v is the limit of differences: on the CPU in float64 by central differences; elsewhere it is the CPU's. */
export async function checkJvp(situation: Situation): Promise<void> {
  const reference: Situation = { ...situation, backend: cpu, dtype: "float64" };
  const exact = differentiable(reference, operandsOf(situation, "value", true));
  if (exact === null) return;
  const v = directions(exact.at, "tangent", cpu);
  const tangent = await elements(jvp(exact.f, [exact.at] as const, [v] as const).tangent);
  if (situation.backend === cpu && situation.dtype === "float64") {
    const slope = await differences(reference, exact, v);
    atMost(
      distance(tangent, slope),
      tolerances(situation).jvp * Math.max(norm(slope), norm(tangent)),
      "J v against differences",
    );
    return;
  }
  const { at, f } = differentiable(situation, operandsOf(situation, "value"))!;
  const own = await elements(jvp(f, [at] as const, [directions(at, "tangent", situation.backend)] as const).tangent);
  atMost(distance(own, tangent), tolerances(situation).jvp * norm(tangent), "J v against the CPU's");
}

/** ⟨u, J v⟩ = ⟨Jᵀ u, v⟩: the transpose rules belong to the jvp rule. */
export async function checkTranspose(situation: Situation): Promise<void> {
  const subject = differentiable(situation, operandsOf(situation, "value"));
  if (subject === null) return;
  const { at, f } = subject;
  const { value, pullback } = vjp(f, at);
  const v = directions(at, "tangent", situation.backend);
  const u = directions(value, "cotangent", situation.backend);
  const pushed = await elements(jvp(f, [at] as const, [v] as const).tangent);
  const pulled = pullback(u)[0];
  pulled.forEach((bar, i) => {
    if (!sameShape(bar.shape, at[i].shape))
      fail(`cotangent ${i} has shape ${formatShape(bar.shape)}, operand ${formatShape(at[i].shape)}`);
    if (bar.dtype !== at[i].dtype) fail(`cotangent ${i} is ${bar.dtype}, operand ${at[i].dtype}`);
  });
  const [bars, us, vs] = [await elements(pulled), await elements(u), await elements(v)];
  const scale = norm(us) * norm(pushed) + norm(bars) * norm(vs);
  atMost(Math.abs(inner(us, pushed) - inner(bars, vs)), tolerances(situation).dot * scale, "⟨u, Jv⟩ − ⟨Jᵀu, v⟩");
}

/** h(x) = Σ u (f(x) + ½ f(x)²), a scalar function whose Hessian has the first and the second derivative of f in it. */
function scalarOf({ at, f }: Differentiable, backend: Backend): (x: Tensor[]) => Tensor {
  const u = directions(f(at), "cotangent", backend);
  return (x) =>
    f(x)
      .map((y, k) => sum(y.square().mul(0.5).add(y).mul(u[k])))
      .reduce((a, b) => a.add(b));
}

/** ⟨w, H v⟩ = ⟨v, H w⟩, and in float64 on the CPU H v is the limit of differences of the gradient. */
export async function checkSecondOrder(situation: Situation): Promise<void> {
  const { backend, dtype, example } = situation;
  const subject = differentiable(situation, operandsOf(situation, "value"));
  if (subject === null) return;
  const gradient = grad(scalarOf(subject, backend));
  const { at } = subject;
  const [v, w] = [directions(at, "tangent", backend), directions(at, "second", backend)];
  const product = (d: Tensor[]): Promise<Float64Array> => elements(jvp(gradient, [at] as const, [d] as const).tangent);
  const [Hv, Hw, vs, ws] = [await product(v), await product(w), await elements(v), await elements(w)];
  const scale = norm(ws) * norm(Hv) + norm(vs) * norm(Hw);
  atMost(Math.abs(inner(ws, Hv) - inner(vs, Hw)), tolerances(situation).symmetry * scale, "⟨w, Hv⟩ − ⟨v, Hw⟩");
  if (backend === cpu && dtype === "float64" && example.smooth !== false) {
    const slope = await differences(situation, { at, f: gradient }, v);
    const size = Math.max(norm(slope), norm(Hv)) + 1e-3 * norm(await elements(gradient(at)));
    atMost(distance(Hv, slope), tolerances(situation).jvp * size, "H v against differences of the gradient");
  }
}

/** The third derivative of a function of one number is the limit of differences of the second, to 1e-6. */
export async function checkThirdDerivative(situation: Situation): Promise<void> {
  const { at, f } = differentiable(situation, operandsOf(situation, "value"))!;
  const ones = at.map((x) => x.mul(0).add(1));
  const derivative =
    (g: (x: Tensor[]) => Tensor[]) =>
    (x: Tensor[]): Tensor[] =>
      jvp(g, [x] as const, [ones] as const).tangent;
  const second = derivative(derivative(f));
  const third = await elements(derivative(second)(at));
  const slope = await differences(situation, { at, f: second }, ones);
  const size = Math.max(norm(slope), norm(third)) + 1e-3 * norm(await elements(second(at)));
  atMost(distance(third, slope), 1e-6 * (situation.example.condition ?? 1) * size, "f‴ against differences of f″");
}

/** Every non-empty choice of operands. */
function choices(count: number): boolean[][] {
  return Array.from({ length: 2 ** count - 1 }, (_, k) =>
    Array.from({ length: count }, (_, i) => (((k + 1) >> i) & 1) === 1),
  );
}

const batchSize = 3;

/** vmap(f) over every choice of operands is the loop, also where a batch of scalars meets an axis as long as the batch. */
export async function checkVmap(situation: Situation): Promise<void> {
  const { entry, backend } = situation;
  const f = applied(situation);
  const lanes = Array.from({ length: batchSize }, (_, lane) => operandsOf(situation, `lane ${lane}`));
  for (const mapped of choices(lanes[0].length)) {
    const rows = lanes.map((lane) => lane.map((x, i) => (mapped[i] ? x : lanes[0][i])));
    const looped = rows.map((row) => f(row));
    const expected = looped[0].map((_, k) => stack(looped.map((outs) => outs[k])));
    const inputs = lanes[0].map((x, i) => (mapped[i] ? stack(lanes.map((lane) => lane[i])) : x));
    const got = vmap((...xs: Tensor[]) => [...f(xs)], { inAxes: mapped.map((m) => (m ? 0 : null)) })(...inputs);
    const what = `vmap over operands ${mapped.flatMap((m, i) => (m ? [i] : [])).join()}`;
    // Contractions add up in an order that depends on the shapes; all else keeps every bit.
    if (backend === cpu && entry.accuracy.sums === undefined && entry.accuracy.norm === undefined)
      await expectSame(got, expected, what);
    else await expectWithin(got, expected, await loopBudgets(situation, expected, lanes, mapped), what);
  }
}

async function loopBudgets(
  situation: Situation,
  expected: Tensors,
  lanes: Tensors[],
  mapped: boolean[],
): Promise<((i: number) => number)[]> {
  const perLane = await Promise.all(
    lanes.map(async (lane) => {
      const row = lane.map((x, i) => (mapped[i] ? x : lanes[0][i]));
      return budgets(situation, applied(situation)(row), row);
    }),
  );
  return expected.map((y, k) => {
    const size = Math.max(1, sizeOf(y.shape.slice(1)));
    return (i) => 2 * perLane[Math.floor(i / size)][k](i % size);
  });
}

/** J v and Jᵀ u at x, as one function of everything, for transformations to be applied to. */
function derivatives(
  situation: Situation,
  inputs: Tensors,
): { all: Tensor[]; both: (...all: Tensor[]) => Tensor[] } | null {
  const subject = differentiable(situation, inputs);
  if (subject === null) return null;
  const { at, f } = subject;
  const n = at.length;
  const v = directions(at, "tangent", situation.backend);
  const u = directions(f(at), "cotangent", situation.backend);
  return {
    all: [...at, ...v, ...u],
    both: (...all) => {
      const x = all.slice(0, n);
      const { tangent } = jvp(f, [x] as const, [all.slice(n, 2 * n)] as const);
      return [...tangent, ...vjp(f, x).pullback(all.slice(2 * n))[0]];
    },
  };
}

/** vmap of J v and Jᵀ u is the loop. */
export async function checkVmapOfDerivatives(situation: Situation): Promise<void> {
  // Integer operands stay the same in every lane.
  const [first, second] = [operandsOf(situation, "lane 0"), operandsOf(situation, "lane 1")];
  const lanes = [first, second.map((x, i) => (isFloat(x.dtype) ? x : first[i]))].map((inputs) =>
    derivatives(situation, inputs),
  );
  if (lanes[0] === null || lanes[1] === null) return;
  const { both } = lanes[0];
  const looped = lanes.map((lane) => both(...lane!.all));
  const got = vmap(both)(...lanes[0].all.map((x, i) => stack([x, lanes[1]!.all[i]])));
  await expectClose(
    got,
    looped[0].map((y, k) => stack([y, looped[1][k]])),
    derivativeTolerance(situation),
    "vmap of J v and Jᵀ u",
  );
}

function derivativeTolerance(situation: Situation): number {
  return 500 * precision(situation.dtype) * (situation.example.condition ?? 1) * situation.tolerance;
}

/** jit(f) is f; so are its derivatives and its batches. */
export async function checkJit(situation: Situation): Promise<void> {
  const inputs = operandsOf(situation, "value");
  const f = (...xs: Tensor[]): Tensor[] => [...applied(situation)(xs)];
  const eager = f(...inputs);
  const compiled = jit(f);
  for (const call of ["first", "second"]) {
    const got = compiled(...inputs);
    if (situation.sameBits) await expectSame(got, eager, `jit, ${call} call`);
    else await expectWithin(got, eager, await budgets(situation, eager, inputs), `jit, ${call} call`);
  }
}

/** jit of J v and Jᵀ u is eager evaluation; J v and Jᵀ u of jit(f) are those of f. */
export async function checkJitOfDerivatives(situation: Situation): Promise<void> {
  const inputs = operandsOf(situation, "value");
  const subject = derivatives(situation, inputs);
  if (subject === null) return;
  const { all, both } = subject;
  const eager = both(...all);
  const got = jit(both)(...all);
  if (situation.sameBits) await expectSame(got, eager, "jit of J v and Jᵀ u");
  else await expectClose(got, eager, derivativeTolerance(situation), "jit of J v and Jᵀ u");

  const { at, f } = differentiable(situation, inputs)!;
  const called = jit(f);
  const n = at.length;
  const pushed = jvp(called, [at] as const, [all.slice(n, 2 * n)] as const).tangent;
  const pulled = vjp(called, at).pullback(all.slice(2 * n))[0];
  await expectClose([...pushed, ...pulled], eager, derivativeTolerance(situation), "J v and Jᵀ u of jit");
}

/** Where only some operands have tangents, J v and Jᵀ u are those with zeros for the others. */
export async function checkSymbolicZeros(situation: Situation): Promise<void> {
  const subject = differentiable(situation, operandsOf(situation, "value"));
  if (subject === null) return;
  const { at, f } = subject;
  const v = directions(at, "tangent", situation.backend);
  const u = directions(f(at), "cotangent", situation.backend);
  const whole = vjp(f, at).pullback(u)[0];
  for (const active of choices(at.length)) {
    const what = `only operands ${active.flatMap((a, i) => (a ? [i] : [])).join()} active`;
    const some = (xs: Tensors): Tensor[] => xs.filter((_, i) => active[i]);
    const partial = (xs: Tensor[]): Tensor[] => {
      let next = 0;
      return f(at.map((x, i) => (active[i] ? xs[next++] : x)));
    };
    const zeroed = v.map((dx, i) => (active[i] ? dx : dx.mul(0)));
    const { value, tangent } = jvp(partial, [some(at)] as const, [some(v)] as const);
    tangent.forEach((dy, k) => {
      if (!sameShape(dy.shape, value[k].shape))
        fail(`${what}: tangent ${formatShape(dy.shape)} of a value ${formatShape(value[k].shape)}`);
    });
    const bound = derivativeTolerance(situation);
    await expectClose(tangent, jvp(f, [at] as const, [zeroed] as const).tangent, bound, what);
    await expectClose(vjp(partial, some(at)).pullback(u)[0], some(whole), bound, `${what}, transposed`);
  }
}
