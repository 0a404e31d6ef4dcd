/** From a graph to WebAssembly: one function for each pass over memory, and one that runs them all. */

import { execute } from "../../backend/execute.js";
import type { Executable } from "../../backend/backend.js";
import { itemSize, type TypedArray } from "../../dtype.js";
import { own } from "../../memory.js";
import type { Aval, HostArray, Primitive } from "../../primitives/primitive.js";
import { sizeOf } from "../../shape.js";
import { Tensor } from "../../tensor.js";
import { Variable, type Graph } from "../../transform/graph.js";
import { cpu } from "../backend.js";
import { productsGeneration } from "../external-products.js";
import { placeConstant, releaseConstants, releaseWith, type Places } from "./constants.js";
import { copyKernel, mapKernel, matmulKernel, reduceKernel, rowsKernel, type Kernel } from "./kernels.js";
import { addressOf, baseLocal } from "./loops.js";
import { Lowering } from "./lower.js";
import { allocateWorkSpace, importedMatmul, matmulModules, workSpace } from "./matmul.js";
import { kernelMemory, type KernelMemory } from "./memory.js";
import { FunctionBody, i32, ModuleBuilder, op, type Exports, type ImportedFunction } from "./module.js";
import { worthThreads } from "./thread-costs.js";
import { giveUpThreads, LostWorker, threadPool, threadsWanted, type SharedProgram } from "./threads.js";
import { planMemory } from "./plan.js";
import { togetherByRows } from "./rows.js";
import { Buffer, newArray, type HostStep, type Step, type View } from "./program.js";
import { allocateArray, placeArgument, takeResult, type Argument } from "./resident.js";
import { residentBytes } from "./resident-costs.js";

/**
 * The graph as one executable, or null where WebAssembly with vectors cannot be had.
 *
 * @param keep - Whether large results stay in the kernels' memory; else they are copied out.
 */
export function compileGraph(graph: Graph, keep = true): Executable | null {
  const memory = kernelMemory();
  if (memory === null) return null;
  const places: Places = [];
  try {
    return compileInto(memory, graph, places, keep);
  } catch (error) {
    releaseConstants(memory, places);
    throw error;
  }
}

/** @param places - Gets those of the constants. */
function compileInto(memory: KernelMemory, graph: Graph, places: Places, keep: boolean): Executable {
  const lowering = new Lowering((data) => placeConstant(memory, places, data));
  const inputs = graph.inputs.map((variable) => newArray(variable));
  const outputs = lowering.lower(graph, inputs);
  const steps = togetherByRows(lowering.steps);
  const { entries, own } = placeOutside(inputs, keep ? outputs : []);
  const bytes = planMemory(steps, inputs, outputs, 4 * entries);
  const run = new Emitter(memory).compile(steps);

  const attempt = (arguments_: readonly unknown[], base: number, outside: Outside): TypedArray[] => {
    const table = base / 4;
    inputs.forEach(({ buffer, dtype }, i) => {
      const x = arguments_[i] as TypedArray;
      if (buffer.entry === null) memory.arrays[dtype].set(x, (base + buffer.offset) / itemSize(dtype));
      else {
        const argument = placeArgument(memory, x, dtype);
        outside.arguments.push(argument);
        memory.arrays.uint32[table + buffer.entry] = argument.address;
      }
    });
    for (const view of own) {
      const address = allocateArray(memory, view.dtype, sizeOf(view.shape));
      outside.results.set(view, address);
      memory.arrays.uint32[table + view.buffer.entry!] = address;
    }
    run(base);
    return outputs.map((view) => {
      // What is a part of another result, or the same once more, is copied.
      const address = outside.results.get(view);
      if (address === undefined) return arrayOf(memory, base, view).slice();
      outside.results.delete(view);
      return takeResult(memory, address, view.dtype, sizeOf(view.shape));
    });
  };
  const executable: Executable = (arguments_) => {
    const base = memory.allocate(bytes);
    const outside: Outside = { arguments: [], results: new Map() };
    let lost = false;
    try {
      return attempt(arguments_, base, outside);
    } catch (error) {
      if (!(error instanceof LostWorker)) throw error;
      // The arguments are still whole. The block and the results are not given back: the worker may still write there.
      lost = true;
      giveUpThreads();
      return executable(arguments_);
    } finally {
      for (const argument of outside.arguments) argument.done();
      if (!lost) {
        for (const address of outside.results.values()) memory.release(address);
        memory.release(base);
      }
    }
  };
  releaseWith(executable, places);
  return executable;
}

/** What a run has outside of its block. */
interface Outside {
  readonly arguments: Argument[];
  /** Addresses of results that nobody owns yet. */
  readonly results: Map<View, number>;
}

/**
 * Large arguments are read where they are, and large results stay where they are written: they get entries in a table of addresses.
 *
 * @returns The length of the table, and the results that have an entry.
 */
function placeOutside(inputs: readonly View[], outputs: readonly View[]): { entries: number; own: readonly View[] } {
  let entries = 0;
  const bytes = ({ shape, dtype }: View): number => sizeOf(shape) * itemSize(dtype);
  for (const view of inputs) if (bytes(view) >= residentBytes) view.buffer.moveOutside(entries++);
  const arguments_ = new Set(inputs.map(({ buffer }) => buffer));
  const own = outputs.filter((view) => {
    const { buffer } = view;
    const isWhole = new Buffer(sizeOf(view.shape), view.dtype).bytes === buffer.bytes;
    if (bytes(view) < residentBytes || !isWhole || arguments_.has(buffer) || buffer.fixed || buffer.entry !== null)
      return false;
    buffer.moveOutside(entries++);
    return true;
  });
  return { entries, own };
}

const programs = /* @__PURE__ */ new Map<string, Executable | null>();
const mostPrograms = 256;

/** A program of one application of a primitive to floats, for eager calls; null where there is none. */
export function compiledPrimitive<P>(
  primitive: Primitive<P>,
  inputs: readonly Omit<Aval, "weak">[],
  params: P,
  out: Aval,
): Executable | null {
  const [{ dtype }] = inputs;
  if ((dtype !== "float32" && dtype !== "float64") || [...inputs, out].some(({ shape }) => sizeOf(shape) === 0))
    return null;
  const key = `${productsGeneration()} ${primitive.id} ${dtype} ${inputs.map(({ shape }) => shape.join()).join(" ")} ${JSON.stringify(params)}`;
  let program = programs.get(key);
  if (program === undefined) {
    const variable = (like: Omit<Aval, "weak">): Variable => new Variable(like.shape, like.dtype, false);
    const graph: Graph = { inputs: inputs.map(variable), equations: [], outputs: [variable(out)] };
    const equation = { primitive, inputs: graph.inputs, params, outputs: graph.outputs as Variable[] };
    // Who runs eagerly disposes little, and results of a loop nobody would dispose at all.
    program = compileGraph({ ...graph, equations: [equation] }, false);
    if (programs.size >= mostPrograms) programs.delete(programs.keys().next().value!);
    programs.set(key, program);
  }
  return program;
}

/** The elements of a contiguous view of a running program, in place. */
function arrayOf(memory: KernelMemory, base: number, { buffer, offset, shape, dtype }: View): TypedArray {
  const origin = buffer.fixed ? 0 : buffer.entry === null ? base : memory.arrays.uint32[base / 4 + buffer.entry];
  const start = (origin + buffer.offset) / itemSize(dtype) + offset;
  return memory.arrays[dtype].subarray(start, start + sizeOf(shape));
}

class Emitter {
  private readonly module: ModuleBuilder;
  private readonly scalars = new Map<string, { readonly index: number; readonly onlyHost: boolean }>();
  private readonly hosts = new Map<HostStep, number>();
  private readonly kernels = new Map<Step, Kernel>();
  private readonly functions = new Map<Step, number>();

  /** The import that runs a kernel by several threads. */
  private dispatch = -1;
  /** Whether the kernel that is being written calls what only the main thread has. */
  private needsHost = false;
  private program: (SharedProgram & { readonly exports: Exports }) | null = null;

  constructor(private readonly memory: KernelMemory) {
    this.module = new ModuleBuilder(memory.shared, workSpace());
  }

  private readonly importScalar = (key: string, f: () => ImportedFunction): number => {
    let known = this.scalars.get(key);
    if (known === undefined) {
      const imported = f();
      known = { index: this.module.import(imported), onlyHost: imported.name === undefined };
      this.scalars.set(key, known);
    }
    this.needsHost ||= known.onlyHost;
    return known.index;
  };

  /** Keeps a kernel, and whether threads may share it. */
  private keep(step: Step, write: () => Kernel): void {
    this.needsHost = false;
    const kernel = write();
    this.kernels.set(step, this.needsHost ? { ...kernel, divisible: false } : kernel);
  }

  /** Compiles the steps into a function of the block's address. */
  compile(steps: readonly Step[]): (base: number) => void {
    // Imports are numbered before functions: all kernels are written, then the function that calls them.
    this.writeKernels(steps);
    this.dispatch = this.module.import({
      params: [i32, i32, i32, i32, i32],
      results: [],
      call: (...job: Parameters<Emitter["runByThreads"]>) => this.runByThreads(...job),
    });
    for (const [step, kernel] of this.kernels) this.add(step, kernel);
    this.addRows(steps);
    const run = new FunctionBody([i32]);
    this.writeSteps(run, steps);
    this.module.add(run, "run");
    this.program = this.module.build(this.memory.memory);
    return this.program.exports.run;
  }

  private add(step: Step, kernel: Kernel): void {
    const name = isLarge(kernel) ? `kernel${this.functions.size}` : null;
    this.functions.set(step, this.module.add(kernel.body, name));
  }

  /** The functions that take rows through several kernels, which they call. */
  private addRows(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === "rows") {
        const inner = step.steps.filter((s) => this.kernels.has(s));
        const kernel = rowsKernel(
          step,
          inner.map((s) => this.kernels.get(s)!),
          inner.map((s) => this.functions.get(s)!),
        );
        this.kernels.set(step, kernel);
        this.add(step, kernel);
      } else if (step.kind === "scan") this.addRows(step.body);
      else if (step.kind === "while") this.addRows([...step.condition, ...step.body]);
      else if (step.kind === "cond") step.branches.forEach((branch) => this.addRows(branch));
    }
  }

  /** Runs a kernel chunk by chunk: by all threads where there are several, else in the same chunks here. */
  private runByThreads(number: number, base: number, length: number, chunk: number, alone: number): void {
    const program = this.program!;
    const kernel = program.exports[`kernel${number}`];
    const pool = threadsWanted() ? threadPool(this.memory, matmulModules, allocateWorkSpace) : null;
    if (pool !== null) pool.run(program, number, kernel, base, length, chunk);
    else for (let start = 0; start < length; start += alone) kernel(base, start, Math.min(length, start + alone));
  }

  private callKernel(run: FunctionBody, step: Step, kernel: Kernel): void {
    const index = this.functions.get(step)!;
    if (isLarge(kernel)) {
      const number = [...this.functions.keys()].indexOf(step);
      run.int(number).get(baseLocal).int(kernel.length).int(kernel.chunk).int(kernel.alone).call(this.dispatch);
    } else callInChunks(run, index, kernel);
  }

  /** @param rows - Length of the first axis of all kernels, if it matters. */
  private writeKernels(steps: readonly Step[], rows: number | null = null): void {
    for (const step of steps) {
      switch (step.kind) {
        case "map":
          if (step.stores.size > 0) this.keep(step, () => mapKernel(step, this.importScalar, rows));
          break;
        case "reduce":
          this.keep(step, () => reduceKernel(step, this.importScalar, rows));
          break;
        case "rows":
          this.writeKernels(step.steps, step.rows);
          break;
        case "copy":
          this.keep(step, () => copyKernel(step));
          break;
        case "matmul":
          this.keep(step, () => {
            return matmulKernel(
              step,
              this.importScalar(step.dtype, () => importedMatmul(step.dtype)),
            );
          });
          break;
        case "host":
          this.hosts.set(step, this.module.import({ params: [i32], results: [], call: this.host(step) }));
          break;
        case "scan":
          this.writeKernels(step.body);
          break;
        case "while":
          this.writeKernels(step.condition);
          this.writeKernels(step.body);
          break;
        case "cond":
          for (const branch of step.branches) this.writeKernels(branch);
          break;
      }
    }
  }

  /** Runs a primitive on the arrays where they are, and copies its results to where they belong. */
  private host({ primitive, params, inputs, outs }: HostStep): (base: number) => void {
    const { memory } = this;
    const avals = outs.map(({ shape, dtype }) => ({ shape, dtype, weak: false }));
    return (base) => {
      let results: readonly TypedArray[];
      let made: readonly Tensor[] = [];
      if (primitive.interpret !== undefined) {
        // A graph inside may run programs of its own: its operands are copies.
        const tensors = inputs.map((view) => {
          const data = sizeOf(view.shape) === 0 ? own(view.dtype, 0) : arrayOf(memory, base, view).slice();
          return new Tensor(view.shape, view.dtype, false, 0, cpu, data, false);
        });
        made = execute(primitive, tensors, params);
        results = made.map((y) => (y.size === 0 ? own(y.dtype, 0) : cpu.downloadSync(y)));
      } else {
        const operands = inputs.map((view): HostArray => ({ ...view, buffer: arrayOf(memory, base, view) }));
        results = primitive.lower!(operands, params, avals);
      }
      outs.forEach((view, i) => {
        if (results[i].length > 0) arrayOf(memory, base, view).set(results[i]);
      });
      for (const y of made) y.dispose();
    };
  }

  // ---- The function that runs them ---------------------------------------------------------------------------------------------

  private writeSteps(body: FunctionBody, steps: readonly Step[]): void {
    for (const step of steps) this.writeStep(body, step);
  }

  private writeStep(body: FunctionBody, step: Step): void {
    switch (step.kind) {
      case "map":
      case "reduce":
      case "copy":
      case "matmul":
      case "rows": {
        const kernel = this.kernels.get(step);
        if (kernel !== undefined) this.callKernel(body, step, kernel);
        break;
      }
      case "host":
        body.get(baseLocal).call(this.hosts.get(step)!);
        break;
      case "scan": {
        const counter = body.local();
        body.int(0).set(counter);
        const at = (): void => {
          if (step.reverse)
            body
              .int(step.count - 1)
              .get(counter)
              .emit(op.i32Sub);
          else body.get(counter);
        };
        body.countUp(
          counter,
          () => body.int(step.count),
          1,
          () => {
            for (const { from, to } of step.rows) copyBytes(body, from, to, bytesOf(to), at, null);
            this.writeSteps(body, step.body);
            for (const { from, to } of step.stacked) copyBytes(body, from, to, bytesOf(from), null, at);
            for (const { from, to } of step.carries) copyBytes(body, from, to, bytesOf(from), null, null);
          },
        );
        body.release(counter);
        break;
      }
      case "while": {
        const counter = body.local();
        body.int(0).set(counter);
        body.emit(op.block, 0x40, op.loop, 0x40);
        if (step.maxSteps !== null) body.get(counter).int(step.maxSteps).emit(op.i32GeS, op.brIf, 1);
        this.writeSteps(body, step.condition);
        address(body, step.go).access(op.i32Load8U).emit(op.i32Eqz, op.brIf, 1);
        this.writeSteps(body, step.body);
        for (const { from, to } of step.carries) copyBytes(body, from, to, bytesOf(from), null, null);
        body.increment(counter, 1).emit(op.br, 0, op.end, op.end);
        body.release(counter);
        break;
      }
      case "cond": {
        const [onFalse, onTrue] = step.branches;
        address(body, step.predicate).access(op.i32Load8U);
        body.when(
          () => this.writeSteps(body, onTrue),
          () => this.writeSteps(body, onFalse),
        );
        break;
      }
    }
  }
}

/** Whether threads would finish the kernel sooner. */
function isLarge({ divisible, nanoseconds, length, chunk }: Kernel): boolean {
  return divisible && nanoseconds >= worthThreads && length > chunk;
}

function callInChunks(run: FunctionBody, kernel: number, { length, alone }: Kernel): void {
  if (length <= alone) {
    run.get(baseLocal).int(0).int(length).call(kernel);
    return;
  }
  const start = run.local();
  const end = run.local();
  run.int(0).set(start);
  run.countUp(
    start,
    () => run.int(length),
    alone,
    () => {
      // The last one may be shorter.
      run.get(start).int(alone).emit(op.i32Add).tee(end).int(length).emit(op.i32GtS);
      run.when(() => run.int(length).set(end));
      run.get(baseLocal).get(start).get(end).call(kernel);
    },
  );
  run.release(start);
  run.release(end);
}

/** Puts the address of the view's first element on the stack. */
function address(run: FunctionBody, { buffer, offset, dtype }: View): FunctionBody {
  return addressOf(run, buffer, offset, dtype);
}

/** Copies a contiguous view; where an index is given, that side is the element of a stack with that index. */
function copyBytes(
  run: FunctionBody,
  from: View,
  to: View,
  bytes: number,
  fromIndex: (() => void) | null,
  toIndex: (() => void) | null,
): void {
  if (bytes === 0) return;
  for (const [view, index] of [
    [to, toIndex],
    [from, fromIndex],
  ] as const) {
    address(run, view);
    if (index !== null) {
      index();
      run.int(bytes).emit(op.i32Mul, op.i32Add);
    }
  }
  run.int(bytes).copyMemory();
}

function bytesOf({ shape, dtype }: View): number {
  return sizeOf(shape) * itemSize(dtype);
}
