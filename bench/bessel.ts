/** Logarithms of modified Bessel functions, beside SciPy's scaled functions and a logarithm; the functions; fits to directional data. */

import { besselBranch, besselI, inverseBesselRatioI, logIv, logIve, logKv, logKve } from "@curv/bessel";
import { fitCore } from "@curv/bessel/von-mises-fisher";
import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import type { Benchmark, Case, Contender } from "./comparison.js";
import { freeCores } from "./free-cores.js";
import { valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { pythonPeer } from "./peers/python.js";
import { threadsPeer } from "./peers/threads.js";

interface Points {
  readonly name: string;
  readonly v: Float64Array;
  readonly x: Float64Array;
}

/** Orders and arguments that look random and are the same for everybody: fractions of multiples of two irrational numbers. */
function points(name: string, n: number, at: (s: number, t: number) => readonly [v: number, x: number]): Points {
  const v = new Float64Array(n);
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) [v[i], x[i]] = at(((i + 0.5) * 0.7548776662466927) % 1, ((i + 0.5) * 0.5698402909980532) % 1);
  return { name, v, x };
} // prettier-ignore

/** The orders and arguments of the paper's comparison: log-uniform, and a box where SciPy's functions mostly are finite. */
const sets = (n: number): readonly Points[] => [
  points("v in [0.1, 3e4], x in [1e-3, 1e5]", n, (s, t) => [0.1 * 3e5 ** s, 1e-3 * 1e8 ** t]),
  points("v and x in [0, 150]", n, (s, t) => [150 * s, 150 * t]),
];

export function bessel(n = 1_000_000): Benchmark {
  const all = sets(n).map(finiteInSciPy);
  const shares = all.map(({ name, v }) => `${((1 - v.length / n) * 100).toFixed(1)} % of ${name}`);
  const tasks = [
    ["log I", "logIv", logIv, "I"],
    ["log K", "logKv", logKv, "K"],
  ] as const;
  return {
    title: `log I and log K of ${n} points, float64; concentrations of von Mises–Fisher distributions`,
    note:
      "Curv: tensors, eager. SciPy: log(ive) + x, log(kve) − x, and the root of ive's ratio by brentq as vonmises_fisher.fit finds it. Of " +
      `the points those are timed where SciPy's functions neither vanish nor overflow; ${shares.join(" and ")} are not. Then the ` +
      "same points by the rung of the ladder that holds them, 100,000 of each at most: the expansions mu3 … u13, and what is below them. Two " +
      "threads are timed by the wall, with the control that says whether there are two cores. besselI beside logIv is what 2e-15 over the " +
      "whole range costs. Fits: mean direction and κ of rows that are checked already, that is one pass over the rows and the solution of " +
      "A(κ) = R̄, which the last cases take alone.",
    cases: [
      ...all.flatMap((set) => tasks.map(([name, task, f]) => functionCase(name, task, f, set))),
      ...all.flatMap((set) =>
        tasks.flatMap(([name, task, f, kind]) => rungs(set, kind, n).map((part) => functionCase(name, task, f, part))),
      ),
      ...all.flatMap((set) => tasks.map(([name, , f]) => paperCase(name, f, set))),
      ...all.flatMap((set) => tasks.map(([name, , f]) => threadsCase(name, f, set))),
      freeCores(),
      valuesCase(all[1]),
      ...[2048, 8192, 32768].map((p) => fitCase(p, Math.max(2, Math.floor((2 * n) / p)))),
      ...[2048, 8192, 32768].map(concentrationCase),
    ],
  };
}

/** The points where ive and kve are ordinary numbers: their logarithms lie within ±700. */
function finiteInSciPy({ name, v, x }: Points): Points {
  const [logI, logK] = [logIve, logKve].map((f) => f(tensor(v), tensor(x)).dataSync());
  return pick(name, { name, v, x }, (i) => Math.abs(logI[i]) < 700 && Math.abs(logK[i]) < 700);
}

function pick(name: string, { v, x }: Points, keep: (i: number) => boolean, most = Infinity): Points {
  const kept = Array.from(v.keys()).filter(keep).slice(0, most);
  return { name, v: Float64Array.from(kept, (i) => v[i]), x: Float64Array.from(kept, (i) => x[i]) };
}

/** The points of each rung, where there are some; those below all expansions together. */
function rungs(set: Points, kind: "I" | "K", n: number): Points[] {
  const below = kind === "I" ? "series" : "Temme's series and integral";
  const expansions = ["mu3", "mu20", "u4", "u6", "u9", "u13"];
  const names = Array.from(set.v, (v, i) => {
    const branch = besselBranch(v, set.x[i], kind);
    return expansions.includes(branch) ? branch : below;
  });
  return [...expansions, below]
    .map((rung) => pick(`${rung} of ${set.name}`, set, (i) => names[i] === rung, 100_000))
    .filter(({ v }) => v.length >= n / 1000);
}

type LogBessel = (v: Tensor, x: Tensor, options?: { method?: "accurate" | "paper" }) => Tensor;
const read = (y: Tensor): number[] => Array.from(y.dataSync());

function functionCase(name: string, task: string, f: LogBessel, set: Points): Case {
  const [order, at] = [tensor(set.v), tensor(set.x)];
  const inputs = [set.v, set.x].map((a) => valuesOf(a, [a.length]));
  return {
    name: `${name}, ${set.name}`,
    ours: [local("curv", () => f(order, at), read)],
    peers: [pythonPeer("SciPy", { library: "numpy", task, precision: "float64", inputs })],
    tolerance: 1e-11,
  };
}

/** One thread and two, which share chunks of points as they come. */
function threadsCase(name: string, f: LogBessel, set: Points): Case {
  const [order, at] = [tensor(set.v), tensor(set.x)];
  const again = (who: string): Contender => local(who, () => f(order, at), read);
  return {
    name: `${name}, ${set.name}, by threads`,
    ours: [again("curv")],
    peers: [threadsPeer(2, again)],
    tolerance: 0,
  };
}

/** The function itself, number by number and to twice the precision inside, beside its logarithm by the vector kernel. */
function valuesCase(set: Points): Case {
  const part = pick(set.name, set, (i) => set.x[i] < 150, 20_000);
  const [order, at] = [tensor(part.v), tensor(part.x)];
  return {
    name: `I, ${set.name}`,
    ours: [
      local("curv, exp(logIv)", () => logIv(order, at).exp(), read),
      local("curv, besselI", () => besselI(order, at), read),
    ],
    peers: [],
    tolerance: 1e-12,
  };
}

/** A fit of rows in many dimensions, 16 MB of them. */
function fitCase(p: number, rows: number): Case {
  const x = random.sphere(random.key(p), p, { shape: [rows], dtype: "float64" });
  return {
    name: `fit of ${rows} rows, p = ${p}`,
    ours: [local("curv", () => fitCore(x).concentration, read)],
    peers: [],
    tolerance: 0,
  };
}

/** The expressions of the paper as they stand there, which have no vector kernels, beside those of the package. */
function paperCase(name: string, f: LogBessel, set: Points): Case {
  const part = pick(set.name, set, () => true, 20_000);
  const [order, at] = [tensor(part.v), tensor(part.x)];
  return {
    name: `${name}, the paper's expressions, ${set.name}`,
    ours: [
      local("curv", () => f(order, at), read),
      local("curv, the paper's expressions", () => f(order, at, { method: "paper" }), read),
    ],
    peers: [],
    tolerance: 1e-9,
  };
}

/** κ with A_p(κ) = R̄ for 99 lengths R̄: in these dimensions SciPy's functions vanish, and its row says so. */
function concentrationCase(p: number): Case {
  const lengths = Float64Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  const r = tensor(lengths);
  return {
    name: `κ of 99 mean lengths, p = ${p}`,
    ours: [
      local(
        "curv",
        () => inverseBesselRatioI(p / 2 - 1, r),
        (k) => Array.from(k.dataSync()),
      ),
    ],
    peers: [
      pythonPeer("SciPy", {
        library: "numpy",
        task: "vmfConcentration",
        precision: "float64",
        inputs: [valuesOf([p], [1]), valuesOf(lengths, [99])],
      }),
    ],
    tolerance: 1e-9,
  };
}
