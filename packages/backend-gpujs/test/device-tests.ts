/** What is tested of every mode that runs in a page or in a process of its own: in Chromium, and in Node by Dawn. */

import * as random from "@curv/tensor/random";
import { afterAll, beforeAll, expect, test } from "vitest";
import { besselBounds } from "./bessel-accuracy.js";
import type { page as pageInBrowser } from "./browser/conformance.page.js";
import { expectBroken, expectExhausted, expectExhaustedWebGl } from "./expect-faults.js";
import type { Mode } from "../src/index.js";
import { chosen, inBrowser } from "./subset.js";
import { comparable } from "./workloads.js";

type Page = typeof pageInBrowser;

/** A method of the page, called from outside. */
export type Ask = <K extends keyof Page>(name: K, ...args: Parameters<Page[K]>) => ReturnType<Page[K]>;

/** A page or a process. */
export interface Opened {
  ask(method: string, ...args: readonly unknown[]): Promise<unknown>;
  close(): Promise<void> | void;
}

/** Whether all tests are asked for. */
export const everything: boolean = chosen(inBrowser) === null;

/** Time for one test, in milliseconds. */
export const timeout: number = everything ? 3_600_000 : 240_000;

/**
 * The tests of a mode, in the suite in which it is called.
 *
 * @param adapter - What computes.
 * @param later - Tests that another place has at every commit: here they are run if all are asked for.
 * @param more - Tests of this place alone.
 */
export function deviceTests(
  mode: Mode,
  start: () => Promise<Opened>,
  { adapter, later, why }: { readonly adapter: RegExp; readonly later: RegExp; readonly why: string },
  more: (onDevice: (name: string, body: () => void | Promise<void>) => void, ask: Ask) => void = () => undefined,
): void {
  let opened: Opened;
  let description: string | null = null;
  let whyNot = "";
  const ask: Ask = (name, ...args) => opened.ask(name, ...args) as never;
  const onDevice = (name: string, body: () => void | Promise<void>): void =>
    test(name, async ({ skip }) => {
      skip(!everything && later.test(name), `CURV_GPUJS_CONFORMANCE=all asks for it; ${why}`);
      skip(description === null, whyNot);
      await body();
    });

  beforeAll(async () => {
    opened = await start();
    try {
      description = await ask("open", mode);
    } catch (error) {
      whyNot = `there is no ${mode} here: ${String(error).split("\n")[0]}`;
    }
  }, 120_000);
  afterAll(() => opened.close());

  onDevice("says what it is", () => {
    const reading = mode === "webgpu" ? "are read asynchronously" : "can be read synchronously";
    expect(description).toMatch(new RegExp(`^gpu\\.js, mode ${mode} on .+; float32, .+; results ${reading}`));
    expect(description).toMatch(adapter);
  });

  onDevice("conforms", async () => {
    const outcomes = await ask("conformance", chosen(inBrowser));
    expect(outcomes.length).toBeGreaterThan(everything ? 1000 : 30);
    expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
  });

  for (const [name, program] of Object.entries(comparable)) {
    onDevice(`${name} as on the CPU`, async () => expectClose(await ask("run", name), await program()));
  }

  onDevice("random bits are the CPU's", async () => {
    expect(await ask("bits", 11, 4096)).toEqual([...random.bits(random.key(11), { shape: [4096] }).dataSync()]);
  });

  onDevice("arrays outlive the kernels that made them", async () => {
    const { values, kernels } = await ask("crowd", mode);
    const x = random.uniform(random.key(0), { shape: [5] });
    expect(values).toEqual([...x.add(1).dataSync()]);
    expect(kernels).toBe(3);
  });

  onDevice("the modified Bessel functions to some ulp, over all branches", async () => {
    const errors = await ask("besselErrors", 400);
    for (const [name, bound] of Object.entries(besselBounds)) expect(errors[name], name).toBeLessThanOrEqual(bound);
  });

  onDevice("elementary functions to twice the ulp of WebAssembly", async () => {
    expect(await ask("inaccurate", 512)).toEqual([]);
  });

  onDevice("arrays in blocks of rows as on the CPU", async () => {
    const some = ["words", "sums of rows", "a product with a matrix", "another shape", "slices", "gradient"];
    const { CURV_ROWS: rows } = process.env;
    expect(await ask("longArrays", mode, rows === undefined ? null : Number(rows), everything ? null : some)).toEqual(
      [],
    );
  });

  onDevice("compiled training steps hold the device's memory flat", async () => {
    const [before, after] = await ask("hold", Number(process.env.CURV_STEPS ?? 200));
    expect([after.arrays, after.bytes]).toEqual([before.arrays, before.bytes]);
    expect(after.peakBytes).toBeLessThan(before.peakBytes + 10_000);
  });

  more(onDevice, ask);

  // From here on devices are lost: in Node all backends share one.
  onDevice("a kernel that does not compile is the error of what it makes; all else goes on", async () => {
    expectBroken(await ask("broken", mode), mode);
  });

  onDevice("a lost device is an error, and not the end", async () => {
    expect(await ask("lose", mode)).toEqual({ reason: "device-lost", cpu: 16, fresh: 16 });
  });

  // The last one: Chromium gives a page whose context had no memory no other.
  test("an allocation that fails is an error, by name and bytes, and not the end", async ({ skip }) => {
    skip(description === null, whyNot);
    skip(!/swiftshader/i.test(description!), "a card may have the gibibyte that is asked for");
    if (mode === "webgpu") expectExhausted(await ask("exhaust", mode), mode);
    else expectExhaustedWebGl(await ask("exhaustWebGl", mode));
  });
}

/** The same numbers to a share of the largest. */
export function expectClose(got: readonly number[], expected: readonly number[]): void {
  expect(got).toHaveLength(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  got.forEach((y, i) => expect(Math.abs(y - expected[i]), `number ${i}`).toBeLessThan(2e-4 * scale));
}
