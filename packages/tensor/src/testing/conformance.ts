/** The conformance suite: every statement of `checks.ts`, for every primitive of the table, as vitest tests. */

import { describe, expect, test } from "vitest";
import type { Backend } from "../backend/backend.js";
import { cpu } from "../cpu/backend.js";
import { fromTypedArray } from "../create.js";
import { isFloat, type DType } from "../dtype.js";
import { BackendError } from "../errors.js";
import { own } from "../memory.js";
import { cast } from "../ops/elementwise.js";
import { formatShape, sizeOf } from "../shape.js";
import { bind } from "../transform/trace.js";
import * as checks from "./checks.js";
import { situationsOf, type Situation } from "./situation.js";
import { everything, type Entry, type Example } from "./example.js";
import { make, uniformOf } from "./operand.js";
import { table } from "./table.js";

/** What to check of a backend. */
export interface ConformanceOptions {
  /** Dtypes to compute with. */
  readonly dtypes: readonly DType[];
  /** Factor of every error bound. Default 1: that of the CPU's own kernels. */
  readonly tolerance?: number;
  /** jit gives the bits of eager evaluation. Default: that of backends without a `compile`, so also of the CPU with its own kernels. */
  readonly sameBits?: boolean;
  /** Names of primitives that are left out, each with the reason, which is printed. */
  readonly skip?: Readonly<Record<string, string>>;
  /** Names of the primitives to check. Default: all. */
  readonly only?: readonly string[];
}

interface Statement {
  readonly title: string;
  readonly check: (situation: Situation) => Promise<void>;
  readonly applies: (situation: Situation) => boolean;
}

const finite = ({ dtype, example, entry: { primitive } }: Situation): boolean =>
  isFloat(dtype) && example.smooth !== null && (primitive.jvp ?? primitive.jvpWithOutputs) !== undefined;
const smooth = ({ dtype, example }: Situation): boolean =>
  isFloat(dtype) && (example.smooth ?? example.smooth === undefined);

const statements: readonly Statement[] = [
  { title: "values are those of the CPU in float64", check: checks.checkValue, applies: () => true },
  {
    title: "values are those of another implementation",
    check: checks.checkOracle,
    applies: ({ dtype, entry }) => dtype === "float64" && entry.oracle !== undefined,
  },
  { title: "J v is the limit of differences", check: checks.checkJvp, applies: smooth },
  { title: "⟨u, J v⟩ = ⟨Jᵀ u, v⟩", check: checks.checkTranspose, applies: finite },
  { title: "the Hessian is symmetric", check: checks.checkSecondOrder, applies: finite },
  {
    title: "f‴ is the limit of differences of f″",
    check: checks.checkThirdDerivative,
    applies: (situation) =>
      situation.entry.smoothUnary === true &&
      situation.backend === cpu &&
      situation.dtype === "float64" &&
      smooth(situation),
  },
  { title: "zero tangents may be left out", check: checks.checkSymbolicZeros, applies: finite },
  { title: "vmap is the loop", check: checks.checkVmap, applies: () => true },
  { title: "vmap of derivatives is the loop", check: checks.checkVmapOfDerivatives, applies: finite },
  { title: "jit changes nothing", check: checks.checkJit, applies: () => true },
  { title: "jit and derivatives commute", check: checks.checkJitOfDerivatives, applies: finite },
];

function titleOf({ title, operands }: Example): string {
  return title ?? operands.map(({ shape }) => formatShape(shape)).join(" with ");
}

async function holds(statement: Statement, situation: Situation): Promise<void> {
  try {
    await statement.check(situation);
  } catch (error) {
    const { entry, example, dtype } = situation;
    throw new Error(`${entry.primitive.name}, ${titleOf(example)}, ${dtype}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The tests of one primitive. */
function describeEntry(
  backend: Backend,
  entry: Entry,
  { dtypes, tolerance = 1, sameBits = backend.compile === undefined, skip = {} }: ConformanceOptions,
): void {
  const { primitive, examples } = entry;
  const reason = skip[primitive.name];
  if (reason !== undefined) {
    test(primitive.name, ({ skip: skipTest }) => skipTest(reason));
    return;
  }
  describe(primitive.name, () => {
    if (!backend.supports(primitive)) {
      test("is refused by name", () => {
        const example =
          examples.find((e) => e.operands.length > 0 && e.operands.every(({ shape }) => sizeOf(shape) > 0)) ??
          examples[0];
        const dtype = (example.dtypes ?? entry.dtypes).find((d) => backend.capabilities.dtypes.includes(d))!;
        const inputs = example.operands.map((operand) => make(operand, dtype, uniformOf("value")).to(backend));
        const refusal = catchError(() => bind(primitive, inputs, example.params));
        expect(refusal).toBeInstanceOf(BackendError);
        expect(refusal.message).toMatch(primitive.name);
        expect(refusal.message).toMatch(backend.name);
      });
      return;
    }
    for (const dtype of dtypes) {
      const situations = situationsOf(backend, entry, dtype, { tolerance, sameBits });
      for (const statement of statements) {
        const list = situations.filter(statement.applies);
        if (list.length === 0) continue;
        test(`${dtype}: ${statement.title}`, async () => {
          for (const situation of list) await holds(statement, situation);
        });
      }
    }
  });
}

function catchError(f: () => unknown): Error {
  try {
    f();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

/** A dtype that the backend lacks is refused by an error that names it, the backend and the remedy. */
function describeRefusals(backend: Backend): void {
  for (const dtype of everything.filter((d) => !backend.capabilities.dtypes.includes(d))) {
    test(`${dtype} is refused with a remedy`, () => {
      const here = fromTypedArray(own(dtype, 2), [2], dtype);
      const there = fromTypedArray(own("float32", 2), [2], "float32").to(backend);
      for (const act of [() => here.to(backend), () => cast(there, dtype)]) {
        const refusal = catchError(act);
        expect(refusal).toBeInstanceOf(BackendError);
        expect(refusal.message).toMatch(dtype);
        expect(refusal.message).toMatch(backend.name);
        expect(refusal.message).toMatch("cast");
      }
    });
  }
}

/**
 * Registers vitest tests that hold a backend to the primitives' definitions: values, derivatives of every kind, batching and compilation,
 * on shapes from scalars and empty tensors to rank 6, against the CPU in float64.
 *
 * @example
 * // conformance.test.ts of a backend package
 * conformance(myBackend, { dtypes: ["float32"], skip: { eig: "the library has no general eigensolver" } });
 */
export function conformance(backend: Backend, options: ConformanceOptions): void {
  describe(`${backend.name} conforms`, () => {
    describeRefusals(backend);
    for (const entry of table) {
      if (options.only?.includes(entry.primitive.name) ?? true) describeEntry(backend, entry, options);
    }
  });
}
