/** NumPy, PyTorch and JAX, in a Python child process that keeps its inputs and times itself: a round trip is no part of a measurement. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Contender, Peer } from "../comparison.js";
import type { Precision, Values } from "../inputs.js";
import { threads } from "../machine.js";

export type PythonLibrary = "numpy" | "torch" | "jax";

/** What python.py is asked to do; its functions have these names. */
export interface PythonTask {
  readonly library: PythonLibrary;
  readonly task: string;
  readonly precision: Precision;
  readonly inputs: readonly Values[];
}

interface Answer {
  readonly error?: string;
  readonly id?: number;
  readonly version?: string;
  /** float64, as base64. */
  readonly values?: string;
  readonly seconds?: number;
}

let child: { process: ChildProcessWithoutNullStreams; waiting: ((answer: Answer) => void)[] } | undefined;

function start(): NonNullable<typeof child> {
  const interpreter = process.env.CURV_PEERS_PYTHON;
  if (!interpreter) throw new Error("CURV_PEERS_PYTHON names no interpreter");
  const script = fileURLToPath(new URL("python.py", import.meta.url));
  const python = spawn(interpreter, [script, String(threads)], { stdio: ["pipe", "pipe", "pipe"] });
  const waiting: ((answer: Answer) => void)[] = [];
  createInterface({ input: python.stdout }).on("line", (line) => waiting.shift()?.(JSON.parse(line) as Answer));
  let complaint = "";
  python.stderr.on("data", (text) => (complaint += String(text)));
  const end = (): void => {
    const last = complaint.trim().split("\n").pop() ?? "";
    for (const answer of waiting.splice(0)) answer({ error: last === "" ? "the interpreter ended" : last });
  };
  python.on("error", end);
  python.on("exit", end);
  return (child = { process: python, waiting });
}

async function ask(question: object): Promise<Answer> {
  const { process: python, waiting } = child ?? start();
  if (python.exitCode !== null) throw new Error("the interpreter ended");
  const answer = await new Promise<Answer>((resolve) => {
    waiting.push(resolve);
    python.stdin.write(`${JSON.stringify(question)}\n`);
  });
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}

/** A peer in Python. */
export function pythonPeer(name: string, task: PythonTask): Peer {
  return {
    name,
    ownProcess: true,
    prepare: async (): Promise<Contender> => {
      const { id, version, values } = await ask({ prepare: { ...task, name } });
      const bytes = Buffer.from(values!, "base64");
      // A copy, because a Buffer may start where a float64 must not.
      const numbers = Array.from(new Float64Array(Uint8Array.from(bytes).buffer));
      return {
        name: `${name} ${version!}`,
        values: () => numbers,
        time: async (n) => (await ask({ time: id, calls: n })).seconds!,
      };
    },
  };
}

/** Ends the child, so that the process can. */
export function stopPython(): void {
  child?.process.stdin.end();
  child = undefined;
}
