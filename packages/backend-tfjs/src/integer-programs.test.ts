/** Random programs on int32 give what the CPU gives, to the last bit, on every engine; where integers are floats, that or a typed refusal. */

import { use } from "@curv/tensor";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { engines, open, whyNot } from "../test/engines.js";
import { integerOperations, integerPrograms, runIntegerProgram } from "../test/integer-programs.js";
import { roundingEngine } from "../test/rounding-engine.js";
import { backendFromTfjs, type TfjsBackend } from "./index.js";

/** Programs an engine; CURV_INTEGER_PROGRAMS=5000 for the long run. */
const numRuns = Number(process.env.CURV_INTEGER_PROGRAMS ?? 40);

afterEach(async () => {
  use("cpu");
  await tf.setBackend("cpu");
});

/** Runs programs, and gives the names of the steps that were refused. */
async function check(backend: TfjsBackend, mayRefuse: boolean): Promise<Set<string>> {
  const refused = new Set<string>();
  const seen = new Set<string>();
  const property = fc.asyncProperty(integerPrograms(), async (program) => {
    const outcome = await runIntegerProgram(program, (x) => x.to(backend));
    expect(outcome.wrong).toBeNull();
    if (!mayRefuse) expect(outcome.refused).toEqual([]);
    for (const { name } of program.steps) seen.add(name);
    for (const name of outcome.refused) refused.add(name);
  });
  await fc.assert(property, { numRuns });
  // That the programs are about something: most operations were in one.
  expect(seen.size).toBeGreaterThan(0.7 * Object.keys(integerOperations).length);
  return refused;
}

test.for(engines)("on the %s engine", { timeout: 120_000 + 500 * numRuns }, async (engine, { skip }) => {
  const reason = whyNot(engine);
  skip(reason !== undefined, reason);
  await check(await open(engine), false);
});

test("on one that rounds integers and can be read", { timeout: 120_000 + 500 * numRuns }, async () => {
  await check(backendFromTfjs(roundingEngine("webgl")), false);
});

test("on one that rounds integers and cannot be read", { timeout: 120_000 + 500 * numRuns }, async () => {
  const refused = await check(backendFromTfjs(roundingEngine("webgpu")), true);
  expect(refused).toContain("mul");
});
