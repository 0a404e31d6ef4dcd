/** Runs plans: segment by segment, with memory for the arrays that others may hold; the rest lies in the plan's arena. */

import type { HostArray, TypedArray, Aval } from "@curv/tensor";
import { firstError, sizeOf, type CheckParams, type ScanParams, type WhileParams } from "@curv/tensor/backend";
import { Buffer } from "./buffer.js";
import type { Device } from "./device.js";
import type { KernelArgument } from "./launch.js";
import type { Cublas } from "./lib/cublas.js";
import { itemBytes } from "./buffer.js";
import { allocateArena, arenaArrays, type Replay } from "./graph-replay.js";
import {
  arraysOf,
  type AddressArgument,
  type MatrixOperand,
  type Plan,
  type PlannedArgument,
  type Segment,
  type Step,
} from "./plan.js";
import { downloadNow, hostArray, upload } from "./transfer.js";

export class Executor {
  constructor(
    private readonly device: Device,
    private readonly library: () => Cublas,
    /** The array of a constant of a graph. */
    private readonly constant: (tensor: object) => Buffer,
  ) {}

  /**
   * Buffers of the outputs, each with a share of its own; the inputs keep theirs.
   *
   * @param replay - What the plan keeps from call to call; null if it keeps nothing.
   */
  run(plan: Plan, inputs: readonly Buffer[], replay: Replay | null): Buffer[] {
    if (replay !== null) {
      const buffers = replay.begin();
      let done = false;
      try {
        const outputs = this.runIn(buffers, plan, inputs, replay);
        done = true;
        return outputs;
      } finally {
        replay.end(done);
      }
    }
    const arena = allocateArena(this.device, plan);
    try {
      return this.runIn(arenaArrays(plan, arena), plan, inputs, null);
    } finally {
      arena.release();
    }
  }

  private runIn(buffers: (Buffer | null)[], plan: Plan, inputs: readonly Buffer[], replay: Replay | null): Buffer[] {
    inputs.forEach((buffer, i) => (buffers[i] = buffer.retain()));
    try {
      for (const { array, tensor } of plan.constants) buffers[array] = this.constant(tensor).retain();
      plan.segments.forEach((segment, i) => {
        for (const array of segment.makes) buffers[array] = this.make(plan, segment, array);
        const launch = (placed: (Buffer | null)[]): void => {
          for (const step of segment.steps) this.step(step, placed, replay);
        };
        if (replay !== null) replay.run(i, buffers, launch);
        else launch(buffers);
        for (const array of segment.dead) {
          buffers[array]?.release();
          buffers[array] = null;
        }
      });
      // What has no elements was never written.
      return plan.outputs.map((array) => (buffers[array] ?? Buffer.empty(plan.arrays[array].dtype)).retain());
    } finally {
      for (const buffer of buffers) buffer?.release();
    }
  }

  private make({ arrays }: Plan, { steps }: Segment, array: number): Buffer {
    const { dtype, size } = arrays[array];
    return Buffer.allocate(this.device.memory, dtype, size, () => {
      const maker = steps.find((step) => arraysOf(step).includes(array));
      return `${size} ${dtype} elements${maker === undefined ? "" : ` of ${nameOf(maker)}`}`;
    });
  }

  private step(step: Step, buffers: (Buffer | null)[], replay: Replay | null): void {
    const { device } = this;
    switch (step.kind) {
      case "launch": {
        const kernel = device.kernel(step.source, step.name);
        const args = step.args.map((argument) => resolve(argument, buffers));
        device.launch(kernel, step.grid, step.threads, args, step.label);
        return;
      }
      case "product": {
        device.announce(step.label);
        if (step.epilogue !== null) {
          const { bias, run } = step.epilogue;
          const [a, b, added] = [step.a.address, step.b.address, bias].map((address) => addressIn(address, buffers));
          run(a, b, added, buffers[step.out]!.address);
          return;
        }
        const stored = ({ address, ...layout }: MatrixOperand): MatrixOperand & { address: never } =>
          ({ ...layout, address: addressIn(address, buffers) }) as never;
        this.library().multiply(step.dtype, step, stored(step.a), stored(step.b), buffers[step.out]!.address);
        return;
      }
      case "clear": {
        const { address, bytes } = buffers[step.array]!;
        device.call.cuMemsetD8Async(address, 0, bytes, device.stream);
        return;
      }
      case "host": {
        const avals: readonly Aval[] = step.equation.outputs;
        const operands = this.operands(step.equation.inputs, step.inputs, buffers);
        const results = step.equation.primitive.lower!(operands, step.equation.params, avals);
        results.forEach((data, i) => this.write(buffers[step.outputs[i]]!, data));
        return;
      }
      case "library":
        device.announce(nameOf(step));
        step.call(
          device,
          [...step.inputs, ...step.outputs].map((array) => buffers[array]!.address),
        );
        return;
      case "check": {
        const operands = this.operands(step.equation.inputs, step.inputs, buffers);
        const error = firstError(operands, step.equation.params as CheckParams);
        if (error !== null) throw error;
        return;
      }
      case "cond": {
        const [predicate, ...operands] = step.inputs.map((array) => buffers[array]!);
        const branch = step.branches[this.truth(predicate) ? 1 : 0];
        this.put(step.outputs, buffers, this.run(branch, operands, replay?.of(branch) ?? null));
        return;
      }
      case "while":
        this.whileLoop(step, buffers, replay);
        return;
      case "scan":
        this.scan(step, buffers, replay);
        return;
    }
  }

  /** Takes the place of what was allocated for results. */
  private put(arrays: readonly number[], buffers: (Buffer | null)[], results: readonly Buffer[]): void {
    arrays.forEach((array, i) => {
      buffers[array]?.release();
      buffers[array] = results[i];
    });
  }

  private truth(buffer: Buffer): boolean {
    const out = hostArray("bool", 1);
    downloadNow(this.device, buffer.address, out);
    return out[0] !== 0;
  }

  private operands(
    avals: readonly Aval[],
    arrays: readonly number[],
    buffers: readonly (Buffer | null)[],
  ): HostArray[] {
    return avals.map(({ shape, dtype }, i) => {
      const buffer = hostArray(dtype, sizeOf(shape));
      if (buffer.length > 0) downloadNow(this.device, buffers[arrays[i]]!.address, buffer);
      return { shape, dtype, buffer };
    });
  }

  private write(buffer: Buffer, data: TypedArray): void {
    if (data.length > 0) upload(this.device, data, buffer.address);
  }

  private whileLoop(
    { equation, inputs, outputs, condition, body }: Extract<Step, { kind: "while" }>,
    buffers: (Buffer | null)[],
    replay: Replay | null,
  ): void {
    const [ofCondition, ofBody] = [replay?.of(condition) ?? null, replay?.of(body) ?? null];
    const { conditionConsts: nc, bodyConsts: nb, maxSteps } = equation.params as WhileParams;
    const operands = inputs.map((array) => buffers[array]!);
    let carry = operands.slice(nc + nb).map((x) => x.retain());
    try {
      for (let i = 0; maxSteps === null || i < maxSteps; i++) {
        const [go] = this.run(condition, [...operands.slice(0, nc), ...carry], ofCondition);
        const goes = this.truth(go);
        go.release();
        if (!goes) break;
        const next = this.run(body, [...operands.slice(nc, nc + nb), ...carry], ofBody);
        for (const x of carry) x.release();
        carry = next;
      }
    } catch (error) {
      for (const x of carry) x.release();
      throw error;
    }
    this.put(outputs, buffers, carry);
  }

  /** Slices are parts of their arrays, and results are copied to their places. */
  private scan(
    { equation, inputs, outputs, body }: Extract<Step, { kind: "scan" }>,
    buffers: (Buffer | null)[],
    replay: Replay | null,
  ): void {
    const ofBody = replay?.of(body) ?? null;
    const { consts, carries, length, reverse } = equation.params as ScanParams;
    const operands = inputs.map((array) => buffers[array]!);
    const rows = equation.inputs.slice(consts + carries);
    let carry = operands.slice(consts, consts + carries).map((x) => x.retain());
    try {
      for (let step = 0; step < length; step++) {
        const i = reverse ? length - 1 - step : step;
        const xs = rows.map((x, k) => {
          const row = Buffer.allocate(this.device.memory, x.dtype, sizeOf(x.shape.slice(1)));
          this.copy(operands[consts + carries + k].address + BigInt(i * row.bytes), row.address, row.bytes);
          return row;
        });
        const outs = this.run(body, [...operands.slice(0, consts), ...carry, ...xs], ofBody);
        for (const x of [...xs, ...carry]) x.release();
        carry = outs.slice(0, carries);
        outs.slice(carries).forEach((row, k) => {
          const { shape, dtype } = equation.outputs[carries + k];
          const bytes = sizeOf(shape.slice(1)) * itemBytes(dtype);
          this.copy(row.address, buffers[outputs[carries + k]]!.address + BigInt(i * bytes), bytes);
          row.release();
        });
      }
      this.put(outputs.slice(0, carries), buffers, carry.map((x) => x.retain())); // prettier-ignore
    } finally {
      for (const x of carry) x.release();
    }
  }

  private copy(from: bigint, to: bigint, bytes: number): void {
    if (bytes > 0) this.device.call.cuMemcpyDtoDAsync_v2(to, from, bytes, this.device.stream);
  }
}

function nameOf(step: Step): string {
  if (step.kind === "launch" || step.kind === "product" || step.kind === "clear") return step.label;
  return step.equation.primitive.name;
}

function addressIn({ array, offset }: AddressArgument, buffers: readonly (Buffer | null)[]): bigint {
  const buffer = buffers[array]!;
  return buffer.address + BigInt(offset * itemBytes(buffer.dtype));
}

function resolve(argument: PlannedArgument, buffers: readonly (Buffer | null)[]): KernelArgument {
  return typeof argument === "object" && "array" in argument ? addressIn(argument, buffers) : argument;
}
