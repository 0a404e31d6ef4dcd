/**
 * Random functions, of which jit must make what they are: the same bits as eager evaluation, also of their derivatives and batches.
 *
 * CURV_FUZZ_SEED and CURV_FUZZ_RUNS choose other functions and more of them; a failure names the seed and prints the function.
 */

import { expect, test } from "vitest";
import * as curv from "../src/index.js";
import { jit, makeGraph, tensor, type Tensor } from "../src/index.js";
import { Lowering } from "../src/cpu/wasm/lower.js";
import { planMemory } from "../src/cpu/wasm/plan.js";
import { type Buffer as Planned, newArray, type Step } from "../src/cpu/wasm/program.js";
import { flattenCalls } from "../src/transform/simplify.js";
import { expectSame, generate, isFloat, print, type Program, run } from "./support/random-programs.js";

const firstSeed = Number(process.env.CURV_FUZZ_SEED ?? 1);
const runs = Number(process.env.CURV_FUZZ_RUNS ?? 2000);
/** Functions of one test: small enough to be interrupted. */
const runsPerTest = 250;

/** No two arrays that live at the same time share memory: checked on every pair, by the steps that use them. */
function verifyPlan(program: Program, describeCase: () => string): void {
  const graph = flattenCalls(makeGraph((...inputs: Tensor[]) => run(program, inputs), ...program.inputs));
  const lowering = new Lowering(() => 64);
  const inputs = graph.inputs.map((v) => newArray(v));
  const outputs = lowering.lower(graph, inputs);
  const total = planMemory(lowering.steps, inputs, outputs);
  const lives = new Map<Planned, [first: number, last: number]>();
  const touch = (buffer: Planned, time: number): void => {
    if (buffer.fixed) return;
    const life = lives.get(buffer);
    if (life === undefined) lives.set(buffer, [time, time]);
    else life[1] = Math.max(life[1], time);
  };
  // Independently of the planner: whatever a step mentions lives while that step runs, also inside of loops and branches.
  let time = 0;
  const mention = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("buffer" in value && "strides" in value) touch((value as { buffer: Planned }).buffer, time);
    else if (value instanceof Map) for (const entry of value.values()) mention(entry);
    else if (Array.isArray(value)) value.forEach(mention);
    else {
      for (const [key, entry] of Object.entries(value)) {
        if (["body", "condition", "branches", "primitive", "params", "equation"].includes(key)) continue;
        mention(entry);
      }
    }
  };
  const walk = (steps: readonly Step[]): void => {
    for (const step of steps) {
      time++;
      if (step.kind === "scan" || step.kind === "while") {
        const start = time;
        // What is there before the first round: the carries, and what is stacked. The rest comes into being inside.
        mention(step.carries.map(({ to }) => to));
        if (step.kind === "scan") {
          mention([step.rows.map(({ from }) => from), step.stacked.map(({ to }) => to)]);
          // Elements are copied in anew in every round.
          time++;
          mention(step.rows.map(({ to }) => to));
        } else {
          walk(step.condition);
          time++;
          mention(step.go);
        }
        walk(step.body);
        time++;
        mention(step.carries);
        if (step.kind === "scan") mention(step.stacked);
        // The next round reads again what was there before the loop.
        for (const life of lives.values()) if (life[0] <= start && life[1] >= start) life[1] = time;
      } else if (step.kind === "cond") {
        mention(step.predicate);
        step.branches.forEach(walk);
      } else mention(step);
    }
  };
  inputs.forEach((view) => touch(view.buffer, 0));
  walk(lowering.steps);
  time++;
  outputs.forEach((view) => touch(view.buffer, time));
  // Arrays without elements share what they like.
  const list = [...lives].filter(([buffer]) => buffer.bytes > 16);
  for (const [buffer] of list) expect(buffer.offset + buffer.bytes, describeCase()).toBeLessThanOrEqual(total);
  for (let a = 0; a < list.length; a++) {
    for (let b = 0; b < a; b++) {
      const [[p, [p0, p1]], [q, [q0, q1]]] = [list[a], list[b]];
      const together = p0 <= q1 && q0 <= p1;
      const overlap = p.offset < q.offset + q.bytes && q.offset < p.offset + p.bytes;
      if (together && overlap)
        expect.fail(
          `${describeCase()}\ntwo live arrays overlap: ${p.bytes} bytes at ${p.offset} for ${p0} to ${p1}, ${q.bytes} at ${q.offset} for ${q0} to ${q1}`,
        );
    }
  }
}

/** The differentiable part: sums of the float outputs, with respect to the float inputs. */
function lossOf(program: Program, floats: readonly number[]): (xs: Tensor[]) => Tensor {
  return (xs) => {
    const inputs = [...program.inputs];
    floats.forEach((place, k) => (inputs[place] = xs[k]));
    return run(program, inputs)
      .filter(isFloat)
      .map((y) => y.cast("float64").sum())
      .reduce((a, b) => a.add(b), tensor(0, { dtype: "float64" }));
  };
}

for (let from = 0; from < runs; from += runsPerTest) {
  const last = Math.min(runs, from + runsPerTest) - 1;
  test(`jit changes no bit of functions ${firstSeed + from} to ${firstSeed + last}`, () => {
    for (let seed = firstSeed + from; seed <= firstSeed + last; seed++) {
      const program = generate(seed);
      const title = (what: string) => (): string =>
        `CURV_FUZZ_SEED=${seed} CURV_FUZZ_RUNS=1: ${what}\n${print(program)}`;
      const f = (inputs: Tensor[]): Tensor[] => run(program, inputs);
      const inputs = [...program.inputs];
      expectSame(jit(f)(inputs), f(inputs), title("value"));
      if (seed % 4 === 0) verifyPlan(program, title("plan"));
      const floats = program.inputs.flatMap((x, i) => (isFloat(x) ? [i] : []));
      if (floats.length === 0) continue;
      const loss = lossOf(program, floats);
      const at = floats.map((i) => program.inputs[i]);
      if (seed % 3 === 0) expectSame(jit(curv.grad(loss))(at), curv.grad(loss)(at), title("gradient"));
      if (seed % 5 === 0) {
        const along = (xs: Tensor[]): Tensor[] => [curv.jvp(loss, [xs], [xs]).tangent];
        expectSame(jit(along)(at), along(at), title("jvp"));
      }
      if (seed % 7 === 0) {
        const batch = at.map((x) => curv.stack([x, x.neg(), x.mul(0.5)]));
        const mapped = (xs: Tensor[]): Tensor[] => [curv.vmap((...one: Tensor[]) => loss(one))(...xs)];
        expectSame(jit(mapped)(batch), mapped(batch), title("vmap"));
      }
    }
  }, 60_000);
}
