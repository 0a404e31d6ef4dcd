/** Logarithms of modified Bessel functions, beside SciPy's scaled functions and a logarithm; concentrations of directional data. */

import { inverseBesselRatioI, logIv, logIve, logKv, logKve } from "@curv/bessel";
import { tensor, type Tensor } from "@curv/tensor";
import type { Benchmark, Case } from "./comparison.js";
import { valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { pythonPeer } from "./peers/python.js";

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

export function bessel(n = 100_000): Benchmark {
  const all = sets(n);
  const shares = all.map(({ name, v, x }) => {
    const kept = v.reduce((count, order, i) => count + (finiteInSciPy(order, x[i]) ? 1 : 0), 0);
    return `${((1 - kept / n) * 100).toFixed(1)} % of ${name}`;
  });
  return {
    title: `log I and log K of ${n} points, float64; concentrations of von Mises–Fisher distributions`,
    note:
      "Curv: tensors, eager. SciPy: log(ive) + x, log(kve) − x, and the root of ive's ratio by brentq as vonmises_fisher.fit finds it. Of " +
      `the points those are timed where SciPy's functions neither vanish nor overflow; ${shares.join(" and ")} are not.`,
    cases: [
      ...all.flatMap((set) => [functionCase("log I", "logIv", logIv, set), functionCase("log K", "logKv", logKv, set)]),
      ...[2048, 8192, 32768].map(concentrationCase),
    ],
  };
}

/** Whether ive and kve are ordinary numbers: their logarithms lie within ±700. */
function finiteInSciPy(v: number, x: number): boolean {
  return Math.abs(logIve(v, x)) < 700 && Math.abs(logKve(v, x)) < 700;
}

function functionCase(
  name: string,
  task: string,
  f: (v: Tensor, x: Tensor, options?: { method?: "accurate" | "paper" }) => Tensor,
  set: Points,
): Case {
  const kept = Array.from(set.v.keys()).filter((i) => finiteInSciPy(set.v[i], set.x[i]));
  const [v, x] = [set.v, set.x].map((a) => Float64Array.from(kept, (i) => a[i]));
  const [order, at] = [tensor(v), tensor(x)];
  const read = (y: Tensor): number[] => Array.from(y.dataSync());
  return {
    name: `${name}, ${set.name}`,
    ours: [
      local("curv", () => f(order, at), read),
      local("curv, the paper's expressions", () => f(order, at, { method: "paper" }), read),
    ],
    peers: [
      pythonPeer("SciPy", {
        library: "numpy",
        task,
        precision: "float64",
        inputs: [valuesOf(v, [v.length]), valuesOf(x, [x.length])],
      }),
    ],
    tolerance: 1e-11,
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
