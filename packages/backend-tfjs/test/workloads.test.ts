/** Programs that know nothing of a backend give on an engine what they give on the CPU in float32: only the line with `use` differs. */

import { use } from "@curv/tensor";
import { afterEach, describe, expect, test } from "vitest";
import { digits } from "./digits.js";
import { engines, open, whyNot } from "./engines.js";
import { difference, programs, trainDigits } from "./programs.js";

afterEach(() => use("cpu"));

describe.each(engines)("on the %s engine", (engine) => {
  test.for(Object.keys(programs))("%s: the CPU's float32 results", { timeout: 60_000 }, async (name, { skip }) => {
    const reason = whyNot(engine);
    skip(reason !== undefined, reason);
    const [program, tolerance] = programs[name];
    const expected = await program();
    use(await open(engine, { hostFallback: true }));
    expect(difference(await program(), expected)).toBeLessThan(tolerance);
  });

  test("Adam trains a network on digits to 94 % of unseen ones, in flat memory", { timeout: 600_000 }, async ({ skip }) => {
    const reason = whyNot(engine);
    skip(reason !== undefined, reason);
    const { train, unseen } = digits(8960, 1000);
    const backend = await open(engine);
    use(backend);
    const held: number[] = [];
    const onStep = (): unknown => held.push(backend.tf.memory().numTensors);
    const share = await trainDigits(train, unseen, { epochs: 5, hidden: 64, rate: 0.04, onStep });
    expect(held.at(-1)).toBe(held[1]);
    expect(share).toBeGreaterThanOrEqual(0.94);
  });
}); // prettier-ignore
