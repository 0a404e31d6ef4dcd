/** Kernels of every kind that the generator writes, with a name for each: what real compilers are tried on. */

import { grad, hvp, jit, logSumExp, makeGraph, zeros, type DType, type Graph, type Tensor } from "@curv/tensor";
import { printJacobi, printJacobiEnd, printJacobiRound, printJacobiStart } from "../src/codegen/jacobi.js";
import { printMap, widthFor } from "../src/codegen/map.js";
import * as movement from "../src/codegen/movement.js";
import { printProduct } from "../src/codegen/product.js";
import { printFold, printReduce, type Reduction, type Team } from "../src/codegen/reduce.js";
import { elementwiseNames, hasFormula } from "../src/codegen/scalar.js";
import * as linalg from "../src/codegen/linalg.js";
import * as radix from "../src/codegen/radix.js";
import * as recurrence from "../src/codegen/recurrence.js";
import { printRunningExtreme } from "../src/codegen/running-extreme.js";
import { printScatter, printScatterPieces } from "../src/codegen/scatter.js";
import { printChunkScan, printScan } from "../src/codegen/scan.js";
import * as select from "../src/codegen/select.js";
import * as sorting from "../src/codegen/sort.js";
import type { ScalarProgram } from "../src/codegen/types.js";
import { printConvolution, printImplicitConvolution, printWindow } from "../src/codegen/window.js";
import { planGraph } from "../src/graph-plan.js";
import type { Plan, Step } from "../src/plan.js";

const binary = new Set([
  "add", "sub", "mul", "div", "maximum", "minimum", "rem", "mod", "floorDiv", "pow", "atan2", "nextAfter", "equal",
  "notEqual", "less", "lessEqual", "bitwiseAnd", "bitwiseOr", "bitwiseXor", "shiftLeft", "shiftRight",
]); // prettier-ignore
const predicates = new Set(["equal", "notEqual", "less", "lessEqual", "isNaN", "isFinite"]);

function single(name: string, type: DType, result: DType = predicates.has(name) ? "bool" : type, n = 0): ScalarProgram {
  const inputs = binary.has(name) ? [type, type] : [type];
  const operands = inputs.map((_, i) => i);
  return { inputs, literals: [], operations: [{ name, operands, type, result, n }], results: [inputs.length] };
}

const width = (wide: boolean): string => (wide ? "64 bits" : "32 bits");

const identity = (type: DType): ScalarProgram => ({ inputs: [type], literals: [], operations: [], results: [0] });

/** Sources of the kernels of a plan, with those of its loops. */
export function sourcesOf({ steps }: Plan): string[] {
  const inside = (step: Step): Plan[] =>
    step.kind === "cond"
      ? [...step.branches]
      : step.kind === "while"
        ? [step.condition, step.body]
        : step.kind === "scan"
          ? [step.body]
          : [];
  return steps.flatMap((step) => [
    ...(step.kind === "launch" ? [step.source] : []),
    ...inside(step).flatMap(sourcesOf),
  ]);
}

interface Params {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w2: Tensor;
}

function programs(dtype: DType): Record<string, Graph> {
  const z = (...shape: number[]): Tensor => zeros(shape, { dtype });
  const [x, y] = [z(512, 784), z(512, 10)];
  const net = ({ w1, b1, w2 }: Params): Tensor => x.matmul(w1).add(b1).tanh().matmul(w2);
  const loss = (p: Params): Tensor => logSumExp(net(p), -1).sub(net(p).mul(y).sum(1)).mean();
  const params: Params = { w1: z(784, 256), b1: z(256), w2: z(256, 10) };
  const adam = (p: Tensor, m: Tensor, v: Tensor, g: Tensor, rate: Tensor): Tensor[] => {
    const m1 = m.mul(0.9).add(g.mul(0.1));
    const v1 = v.mul(0.999).add(g.square().mul(0.001));
    return [p.sub(m1.mul(rate).div(v1.sqrt().add(1e-8))), m1, v1];
  };
  const softmax = (a: Tensor): Tensor => {
    const e = a.sub(a.max(-1, { keepDims: true })).exp();
    return e.div(e.sum(-1, { keepDims: true }));
  };
  const sinkhorn = (cost: Tensor, g: Tensor): Tensor => logSumExp(g.sub(cost).div(0.05), -1).mul(-0.05);
  return {
    "hvp of a network": makeGraph(
      jit((p: Params, v: Params) => hvp(loss, p, v)),
      params,
      params,
    ),
    "gradient of a network": makeGraph(grad(loss), params),
    adam: makeGraph(adam, z(10_000), z(10_000), z(10_000), z(10_000), z()),
    softmax: makeGraph(softmax, z(64, 3000)),
    sinkhorn: makeGraph(sinkhorn, z(300, 200), z(200)),
  };
}

/** Every kind of kernel; of the elementwise ones, each formula. */
export function kernelSources(): Map<string, string> {
  const sources = new Map<string, string>();
  const map = (name: string, program: ScalarProgram): void => {
    const type = program.inputs[0];
    const inputs = program.inputs.map(() => "linear" as const);
    const width = widthFor(program.inputs);
    sources.set(`map ${name} ${type}`, printMap({ program, inputs, outputs: ["linear"], rank: 1, wide: false, width }));
  };
  const everything: readonly DType[] = ["float32", "float64", "int32", "uint32", "bool"];
  for (const type of everything) {
    for (const name of elementwiseNames) if (hasFormula(name, type)) map(name, single(name, type));
    for (const to of everything) if (to !== type) map(`cast to ${to}`, single("cast", type, to));
  }
  for (const type of ["float32", "float64"] as const) {
    map("power −3", single("integerPower", type, type, -3));
    map("polygamma 2", single("polygamma", type, type, 2));
    for (const wide of [false, true]) {
      const inputs = ["strided", "scalar"] as const;
      const program = single("add", type);
      sources.set(
        `strided map of rank 4, ${wide ? 64 : 32} bits, ${type}`,
        printMap({ program, inputs, outputs: ["strided"], rank: 4, wide, width: 1 }),
      );
    }
  }
  for (const type of ["float32", "float64", "int32"] as const) {
    const reductions: readonly Reduction[] = ["sum", "prod", "max", "min", "argMax", "argMin"];
    for (const reduction of type === "int32"
      ? reductions
      : ([...reductions, "maxSumExp", "maxSumExpGuarded"] as const)) {
      for (const team of ["thread", "warp", "block"] satisfies Team[]) {
        for (const rank of [0, 1, 2]) {
          const program = type === "int32" ? identity(type) : single("exp", type);
          const source = printReduce({ reduction, program, team, kept: rank, reduced: Math.max(1, rank), wide: false });
          sources.set(`${reduction} by ${team}, rank ${rank}, ${type}`, source);
        }
      }
      sources.set(`fold of ${reduction} ${type}`, printFold(reduction, type));
    }
    for (const micro of type === "float64" ? ([1, 4] as const) : ([1, 4, 8] as const)) {
      for (const a of ["terms", "lines"] as const) {
        for (const b of ["terms", "lines"] as const) {
          sources.set(`product ${micro} × ${micro} along ${a} and ${b} ${type}`, printProduct(type, micro, a, b));
        }
      }
    }
    sources.set(`gather ${type}`, movement.printGather(type));
    for (const kind of ["add", "max"] as const) {
      sources.set(`scatter ${kind} ${type}`, printScatter(type, kind));
      sources.set(`pieces of scatter ${kind} ${type}`, printScatterPieces(type, kind));
    }
    for (const kind of ["totals", "ends", "whole", "continued"] as const) {
      sources.set(`running extreme ${kind} ${type}`, printRunningExtreme(type, kind));
    }
    for (const update of [false, true]) {
      sources.set(`dynamic slice ${update} ${type}`, movement.printDynamicSlice(type, 3, update));
      sources.set(`merge ${update} ${type}`, sorting.printMerge(type, update));
    }
    for (const taken of [false, true]) sources.set(`in order ${taken} ${type}`, sorting.printInOrder(type, taken));
    for (const scan of ["cumsum", "linearRecurrence", "cumArgMax"] as const) {
      sources.set(`${scan} ${type}`, printScan(scan, type));
    }
    for (const kind of ["windowSum", "windowArgMax"] as const) {
      for (const wide of [false, true]) sources.set(`${kind} ${width(wide)} ${type}`, printWindow(kind, type, 4, wide));
    }
    sources.set(`windowArgMax of places ${type}`, printWindow("windowArgMax", type, 4, false, true));
    for (const wide of [false, true]) {
      sources.set(`convolution ${width(wide)} ${type}`, printConvolution(type, 2, wide));
      sources.set(`implicit convolution ${width(wide)} ${type}`, printImplicitConvolution(type, 2, wide));
    }
    for (const kind of ["totals", "whole", "continued"] as const) {
      sources.set(`chunk scan ${kind} ${type}`, printChunkScan(type, kind));
    }
    for (const descending of [false, true]) {
      sources.set(`keys ${descending} ${type}`, radix.printKeys(type, descending));
      sources.set(`count of a selection ${descending} ${type}`, select.printSelectCount(type, descending));
      sources.set(`tally of a selection ${descending} ${type}`, select.printSelectTally(type, descending));
      sources.set(`gather of a selection ${descending} ${type}`, select.printSelectGather(type, descending));
    }
    sources.set(`iota ${type}`, movement.printIota(type));
  }
  sources.set("row starts", movement.printRowStarts(2));
  sources.set("positions", sorting.printPositions());
  sources.set("radix offsets", radix.printRadixOffsets());
  sources.set("permutation", linalg.printPermutation());
  for (const bytes of [4, 8] as const) {
    sources.set(`digit of a selection ${bytes}`, select.printSelectDigit(bytes));
    sources.set(`radix count ${bytes}`, radix.printRadixCount(bytes));
    sources.set(`radix scatter ${bytes}`, radix.printRadixScatter(bytes));
  }
  for (const type of ["float32", "float64"] as const) {
    sources.set(`factors of chunks ${type}`, recurrence.printChunkFactors(type));
    sources.set(`ends of chunks ${type}`, recurrence.printChunkEnds(type));
    sources.set(`recurrence of chunks ${type}`, recurrence.printChunkRecurrence(type));
    for (const mirrored of [false, true]) {
      sources.set(`lower half ${mirrored} ${type}`, linalg.printLowerHalf(type, mirrored));
    }
    sources.set(`pivot check ${type}`, linalg.printPivotCheck(type));
    sources.set(`factor end ${type}`, linalg.printFactorEnd(type));
    sources.set(`triangle ${type}`, linalg.printTriangle(type));
    sources.set(`jacobi ${type}`, printJacobi(type));
    sources.set(`jacobi start ${type}`, printJacobiStart(type));
    sources.set(`jacobi round ${type}`, printJacobiRound(type));
    sources.set(`jacobi end ${type}`, printJacobiEnd(type));
    sources.set(`form columns ${type}`, linalg.printFormColumns(type));
    sources.set(`orthogonal ${type}`, linalg.printOrthogonal(type));
    sources.set(`signs ${type}`, linalg.printSigns(type));
    sources.set(`addresses ${type}`, linalg.printAddresses(type));
  }
  for (const type of ["float32", "float64"] as const) {
    for (const [name, graph] of Object.entries(programs(type))) {
      const plan = planGraph(graph, { multiprocessors: 132, hostFallback: false, library: true });
      sourcesOf(plan).forEach((source, i) => sources.set(`${name} ${i} ${type}`, source));
    }
  }
  return sources;
}
