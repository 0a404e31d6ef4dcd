/** The marks that the fast CPU path was to reach, as data: who, beside whom, and how fast. */

import { microseconds, type Row } from "./comparison.js";
import type { Results } from "./results.js";

export interface Mark {
  readonly work: string;
  readonly benchmark: string;
  readonly case: string;
  /** Ours, by the beginning (and end) of its name. */
  readonly who: RegExp;
  /** Beside whom; none if the mark is a time. */
  readonly against?: RegExp;
  /** At most this ratio of ours to theirs. */
  readonly atMost?: number;
  /** At most so many seconds. */
  readonly seconds?: number;
}

const [tfjs, jaxJs, torch, numpy, jax] = [/^tfjs/, /^jax-js/, /^PyTorch/, /^NumPy/, /^JAX/];
const [jit, eager, blas] = [/^curv jit/, /^curv$/, /^curv-blas/];

/** Ours `times` as fast. */
const faster = (times: number): number => 1 / times;

/** The table of the issue, row by row; without `atMost` the ratio is only reported. */
export const marks: readonly Mark[] = [
  ...group("matmul 1024 float32, portable", "matmul", "1024×1024 float32", eager, [
    [tfjs, faster(1.2)],
    [jaxJs, faster(1.7)],
  ]),
  ...group("matmul 1024 float32, 2 threads beside 1", "threads", "1024×1024 float32", /^curv-threads/, [
    [/^curv$/, faster(1.7)],
  ]),
  ...group("matmul 1024 float64 beside float32", "matmul", "1024×1024 float64", eager, [[/^curv, float32/, 1 / 0.45]]),
  ...["float32", "float64"].flatMap((precision) =>
    group(`matmul 1024 ${precision}, BLAS`, "matmul", `1024×1024 ${precision}`, blas, [
      [numpy, faster(0.9)],
      [torch, faster(0.9)],
    ]),
  ),
  { work: "a call of the BLAS, 4×4 float64", benchmark: "matmul", case: "4×4 float64", who: blas, seconds: 2e-6 },
  ...["grad", "hvp"].flatMap((task) => [
    ...group(`${task} of the large MLP, portable`, "mlp", `${task} float32`, jit, [
      [/^jax-js.*jit$/, faster(4)],
      [tfjs, faster(8)],
    ]),
    ...group(`${task} of the large MLP, BLAS, 2 threads`, "mlp-2-threads", `${task} float32`, blas, [
      [/products by NumPy/, 1.3],
      [torch, 1],
      [jax],
    ]),
  ]),
  ...group("hvp of the tiny MLP", "tiny-mlp", "hvp float32", jit, [
    [torch, faster(2)],
    [/^jax-js.*jit$/, faster(8)],
    [tfjs, faster(50)],
    [jax, 1],
  ]),
  ...["one-shot", "repeated"].flatMap((which) => [
    ...group(`${which} HVP / gradient, MLP`, "hvp-cost", "MLP", new RegExp(`^curv ${which}`), [[/^gradient/, 2.4]]),
    ...group(`${which} HVP / gradient, CNN`, "hvp-cost", "CNN", new RegExp(`^curv ${which}`), [
      [/^gradient/, which === "repeated" ? 2.4 : 3.3],
    ]),
    ...group(
      `${which} Gauss–Newton product / gradient, MLP`,
      "hvp-cost",
      "Gauss–Newton",
      new RegExp(`^curv ${which}`),
      [[/^gradient/, 3]],
    ),
  ]),
  ...group("CNN training step, portable", "cnn", "batch 128", jit, [[tfjs, faster(2)], [/^jax-js/], [torch]]),
  ...group("CNN training step, BLAS", "cnn", "batch 128", blas, [[torch, 2.5]]),
  ...Object.entries({ exp: 3.2, tanh: 1.3, log: 2.5, chain: 1 }).flatMap(([name, ratio]) =>
    group(`${name} of 10⁶ float64`, "math", `${name} float64`, jit, [[torch, ratio]]),
  ),
  ...group("softmax, cross-entropy, gradient [512, 10000]", "softmax", "float32", jit, [[torch, 2]]),
  ...group("… by 2 threads", "softmax-2-threads", "float32", jit, [[torch, 1.6]]),
  ...Object.entries({ cholesky: 3, eigh: 10, svd: 10 }).flatMap(([task, ratio]) => [
    ...group(`${task} float64, LAPACK`, "linalg-large", `${task} float64`, blas, [[numpy, 1.1]]),
    ...group(`${task} float64, portable`, "linalg-large", `${task} float64`, eager, [
      [numpy, ratio],
      [/^ml-matrix/, faster(3)],
      [jaxJs, faster(3)],
    ]),
  ]),
  ...["2-32-32-1", "784-256-256-10"].map((name): Mark => ({
    work: `compiling the MLP's HVP, ${name}`,
    benchmark: "compile",
    case: name,
    who: eager,
    seconds: 0.06,
  })),
];

function group(
  work: string,
  benchmark: string,
  task: string,
  who: RegExp,
  peers: readonly (readonly [against: RegExp, atMost?: number])[],
): Mark[] {
  return peers.map(([against, atMost]) => ({
    ...{ work, benchmark, case: task, who, against },
    ...(atMost !== undefined && { atMost }),
  }));
}

/** A mark beside what was measured. */
export interface Judgement {
  readonly mark: Mark;
  readonly who: string;
  readonly against: string;
  /** Ours to theirs, or seconds: median and quartiles over the rounds; null if it was not measured. */
  readonly measured: { readonly median: number; readonly quartiles: readonly [number, number] } | null;
  /** Whether it is reached; null without a mark or a measurement. */
  readonly met: boolean | null;
  /** Why it was not measured. */
  readonly remark: string;
}

export function judge(results: readonly Results[]): Judgement[] {
  return marks.map((mark): Judgement => {
    const cases = results.find(({ benchmark }) => benchmark === mark.benchmark)?.cases ?? [];
    const rows = cases.find(({ name }) => name.startsWith(mark.case))?.rows ?? [];
    const find = (who: RegExp): Row | undefined => rows.find(({ name }) => who.test(name));
    const mine = find(mark.who);
    const theirs = mark.against === undefined ? mine : find(mark.against);
    const names = { mark, who: mine?.name ?? "", against: mark.against === undefined ? "" : (theirs?.name ?? "") };
    if (!mine?.measured || !theirs?.measured) {
      const remark = [mine, theirs].find((row) => row?.measured === null)?.remark ?? "not measured in this run";
      return { ...names, measured: null, met: null, remark };
    }
    const measured = mark.against === undefined ? mine.measured : pairedRatio(mine, theirs);
    const limit = mark.seconds ?? mark.atMost;
    return { ...names, measured, met: limit === undefined ? null : measured.median <= limit, remark: "" };
  });
}

/** The ratio in each round, whose halves were measured one after the other: what slows both cancels. */
export function pairedRatio(a: Row, b: Row): { median: number; quartiles: [number, number] } {
  const theirs = b.measured!.rounds;
  const ratios = a.measured!.rounds.map((seconds, i) => seconds / theirs[i]).sort((x, y) => x - y);
  const quantile = (q: number): number => ratios[Math.round(q * (ratios.length - 1))];
  return { median: quantile(0.5), quartiles: [quantile(0.25), quantile(0.75)] };
}

/** `3.78 (3.6–4.1)`, wanted, and how far it is missed: a line of a table. */
export function describe({ mark, who, against, measured, met, remark }: Judgement): readonly string[] {
  const format = (x: number): string =>
    mark.seconds === undefined ? plain(x) : x < 1e-3 ? microseconds(x) : `${plain(x * 1e3)} ms`;
  const limit = mark.seconds ?? mark.atMost;
  const wanted = limit === undefined ? "" : `≤ ${format(limit)}`;
  const got = measured === null ? "–" : `${format(measured.median)} (${measured.quartiles.map(format).join(" to ")})`;
  const verdict =
    met === null ? remark : met ? "met" : `missed by ${Math.round(100 * (measured!.median / limit! - 1))} %`;
  return [mark.work, short(who), short(against), got, wanted, verdict];
}

/** Without the path of a library. */
function short(name: string): string {
  return name.replace(/ \(\/.*\)$/, "");
}

function plain(x: number): string {
  return x < 0.1 ? x.toFixed(3) : x < 10 ? x.toFixed(2) : x.toFixed(1);
}
