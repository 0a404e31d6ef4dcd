/** Runs plans: kernels in order, over arrays that stay on the device. */

import { isTensor, type Aval, type Equation, type HostArray, type TypedArray, type Variable } from "@curv/tensor";
import { firstError, sizeOf, type CheckParams, type ScanParams, type WhileParams } from "@curv/tensor/backend";
import type { Engine } from "./engine.js";
import type { Handle } from "./library.js";
import { sourceOf, type Kernel } from "./kernel.js";
import type { Plan, Step } from "./plan.js";
import { Storage } from "./storage.js";
import { settled, type Task } from "./task.js";
import { partsOf } from "./value.js";

type Values = Map<unknown, Storage>;

export class Executor {
  constructor(
    private readonly engine: Engine,
    /** Arrays of the constants of graphs. */
    private readonly constantStorage: (constant: object) => Storage,
  ) {}

  /** Outputs of a plan, each with a share of its own; the inputs keep theirs. */
  *run(plan: Plan, inputs: readonly Storage[]): Task<Storage[]> {
    const values: Values = new Map();
    plan.inputs.forEach((v, i) => values.set(v, inputs[i].retain()));
    try {
      for (const step of plan.steps) {
        yield* this.step(step, values);
        for (const v of step.dead) {
          values.get(v)?.release();
          values.delete(v);
        }
      }
      return plan.outputs.map((y) => this.valueOf(y, values).retain());
    } finally {
      for (const storage of values.values()) storage.release();
    }
  }

  private valueOf(atom: unknown, values: Values): Storage {
    return isTensor(atom) ? this.constantStorage(atom) : values.get(atom)!;
  }

  private *step(step: Step, values: Values): Task<void> {
    const set = (v: Variable, storage: Storage): void => void values.set(v, storage);
    switch (step.kind) {
      case "kernel":
        set(step.out, yield* this.kernel(step.kernel, values));
        return;
      case "alias":
        set(step.out, this.valueOf(step.from, values).retain());
        return;
      case "part":
        set(step.out, this.valueOf(step.from, values).block(step.index).retain());
        return;
      case "whole":
        set(
          step.out,
          Storage.ofBlocks(
            this.engine,
            step.blocks.map((x) => this.valueOf(x, values).retain()),
          ),
        );
        return;
      case "host":
        yield* this.host(step.equation, values);
        return;
      case "check": {
        const operands = yield* this.operands(step.equation, values);
        const error = firstError(operands, step.equation.params as CheckParams);
        if (error !== null) throw error;
        return;
      }
      case "cond": {
        const [predicate, ...operands] = step.equation.inputs.map((x) => this.valueOf(x, values));
        const chosen = (yield* predicate.read())[0] === 0 ? 0 : 1;
        const outs = yield* this.run(step.branches[chosen], operands);
        step.equation.outputs.forEach((v, i) => set(v, outs[i]));
        return;
      }
      case "while":
        yield* this.whileLoop(step, values);
        return;
      case "scan":
        yield* this.scan(step, values);
        return;
    }
  }

  private *kernel(kernel: Kernel, values: Values): Task<Storage> {
    const arrays: Handle[] = [];
    for (const x of kernel.arrays) arrays.push(yield* this.valueOf(x, values).onDevice());
    const scalars: number[] = [];
    for (const s of kernel.scalars) {
      scalars.push(typeof s === "number" ? s : (yield* this.valueOf(s.of, values).read())[s.part]);
    }
    return yield* this.launch(kernel, arrays, scalars);
  }

  private *launch(kernel: Kernel, arrays: readonly Handle[], scalars: readonly number[]): Task<Storage> {
    const handle = yield* settled(this.engine.launch(kernel, arrays, scalars));
    return Storage.onDevice(this.engine, handle, kernel.length);
  }

  /** The operands on the host. */
  private *operands(equation: Equation, values: Values): Task<HostArray[]> {
    const arrays: HostArray[] = [];
    for (const x of equation.inputs) {
      arrays.push({ shape: x.shape, dtype: x.dtype, buffer: yield* this.valueOf(x, values).elements(x.dtype) });
    }
    return arrays;
  }

  private *host(equation: Equation, values: Values): Task<void> {
    const operands = yield* this.operands(equation, values);
    const avals: readonly Aval[] = equation.outputs;
    const results = equation.primitive.lower!(operands, equation.params, avals);
    equation.outputs.forEach((v, i) => values.set(v, this.fromHost(results[i], v)));
  }

  /** Elements on the host, which are uploaded when a kernel wants them. */
  fromHost(data: TypedArray, { shape, dtype }: Aval): Storage {
    return Storage.of(this.engine, data, shape, dtype);
  }

  private *whileLoop({ equation, condition, body }: Extract<Step, { kind: "while" }>, values: Values): Task<void> {
    const { conditionConsts: nc, bodyConsts: nb, maxSteps } = equation.params as WhileParams;
    const operands = equation.inputs.map((x) => this.valueOf(x, values));
    let carry = operands.slice(nc + nb).map((x) => x.retain());
    try {
      for (let i = 0; maxSteps === null || i < maxSteps; i++) {
        const [go] = yield* this.run(condition, [...operands.slice(0, nc), ...carry]);
        const goes = (yield* go.read())[0] !== 0;
        go.release();
        if (!goes) break;
        const next = yield* this.run(body, [...operands.slice(nc, nc + nb), ...carry]);
        for (const x of carry) x.release();
        carry = next;
      }
    } catch (error) {
      for (const x of carry) x.release();
      throw error;
    }
    equation.outputs.forEach((v, i) => values.set(v, carry[i]));
  }

  private *scan({ equation, body }: Extract<Step, { kind: "scan" }>, values: Values): Task<void> {
    const { consts, carries, length, reverse } = equation.params as ScanParams;
    const operands = equation.inputs.map((x) => this.valueOf(x, values));
    const fixed = operands.slice(0, consts);
    let carry = operands.slice(consts, consts + carries).map((x) => x.retain());
    const rows = equation.inputs.slice(consts + carries);
    const stacks = equation.outputs.slice(carries).map((y) => ({ y, rows: new Array<Storage>(length) }));
    try {
      for (let step = 0; step < length; step++) {
        const i = reverse ? length - 1 - step : step;
        const xs: Storage[] = [];
        for (const [k, x] of rows.entries()) xs.push(yield* this.row(operands[consts + carries + k], x, i));
        const outs = yield* this.run(body, [...fixed, ...carry, ...xs]);
        for (const x of [...xs, ...carry]) x.release();
        carry = outs.slice(0, carries);
        stacks.forEach((stack, k) => (stack.rows[i] = outs[carries + k]));
      }
      equation.outputs.slice(0, carries).forEach((v, i) => values.set(v, carry[i].retain()));
      for (const { y, rows: parts } of stacks) values.set(y, yield* this.stack(parts, y));
    } finally {
      for (const x of carry) x.release();
      for (const stack of stacks) for (const x of stack.rows) (x as Storage | undefined)?.release();
    }
  }

  /** Row i along the leading axis. The index is an argument, so that one kernel serves all rows. */
  private *row(x: Storage, { shape, dtype }: Aval, i: number): Task<Storage> {
    const size = sizeOf(shape.slice(1));
    const parts = partsOf(dtype);
    if (size === 0) return Storage.onHost(this.engine, new Float32Array(0));
    const whole = size * shape[0];
    const source =
      parts === 1
        ? `function(a0, s0) {\n  return a0[this.thread.x + s0 * ${size}.0];\n}`
        : `function(a0, s0) {\n  let t = this.thread.x * 1.0;\n  let at = t + s0 * ${size}.0;\n  if (t > ${size - 1}.5) { at = at + ${whole - size}.0; }\n  return a0[at];\n}`;
    const kernel = { ...sourceOf(source), arrays: [], scalars: [i], length: size * parts, name: "row" };
    return yield* this.launch(kernel, [yield* x.onDevice()], [i]);
  }

  /** Rows put together, six at a time. */
  private *stack(rows: readonly Storage[], { shape, dtype }: Aval): Task<Storage> {
    if (sizeOf(shape) === 0) return Storage.onHost(this.engine, new Float32Array(0));
    const parts = partsOf(dtype);
    let level = rows.map((row) => row.retain());
    while (level.length > 1) {
      const next: Storage[] = [];
      for (let i = 0; i < level.length; i += 6) next.push(yield* this.join(level.slice(i, i + 6), parts));
      for (const x of level) x.release();
      level = next;
    }
    return level[0];
  }

  private *join(group: readonly Storage[], parts: number): Task<Storage> {
    if (group.length === 1) return group[0].retain();
    const sizes = group.map((x) => x.length / parts);
    const whole = sizes.reduce((a, b) => a + b);
    const lines: string[] = [];
    let start = 0;
    group.forEach((_, k) => {
      const end = start + sizes[k];
      const offset = `(t - ${start}.0 + plane * ${sizes[k]}.0)`;
      lines.push(
        `  if (t > ${start === 0 ? "(-0.5)" : `${start - 1}.5`} && t < ${end - 1}.5) { y = a${k}[${offset}]; }`,
      );
      start = end;
    });
    const source = `function(${group.map((_, k) => `a${k}`).join(", ")}) {
  let t = this.thread.x * 1.0;
  let plane = 0.0;
  if (t > ${whole - 1}.5) { plane = 1.0; t = t - ${whole}.0; }
  let y = 0.0;
${lines.join("\n")}
  return y;
}`;
    const kernel = { ...sourceOf(source), arrays: [], scalars: [], length: whole * parts, name: "stack" };
    const arrays: Handle[] = [];
    for (const x of group) arrays.push(yield* x.onDevice());
    return yield* this.launch(kernel, arrays, []);
  }
}
