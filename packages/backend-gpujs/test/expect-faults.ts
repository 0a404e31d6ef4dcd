/** What every mode owes when its device has no memory left, or gets a kernel that does not compile. */

import * as random from "@curv/tensor/random";
import { expect } from "vitest";
import type { page } from "./browser/conformance.page.js";

type Report<K extends "exhaust" | "exhaustWebGl" | "broken"> = Awaited<ReturnType<(typeof page)[K]>>;

const x = random.uniform(random.key(0), { shape: [1000] });
const y = x.add(1);

export function expectExhausted({ failures, values, cpu, held }: Report<"exhaust">, mode: string): void {
  const wanted: readonly (readonly [name: string, message: RegExp])[] = [
    ["a kernel", new RegExp(`^mul: gpujs \\(${mode}\\): .*; 4000 bytes were wanted beside \\d+ in \\d+ arrays\\.`)],
    ["what is computed from it", new RegExp(`^mul: gpujs \\(${mode}\\): .*; 4000 bytes`)],
    ["uploading", new RegExp(`^(upload|concat): gpujs \\(${mode}\\): .*; \\d+ bytes`)],
    ["reading", new RegExp(`^read: gpujs \\(${mode}\\): .*; 4000 bytes`)],
  ];
  for (const [name, message] of wanted) {
    expect(failures[name], name).toMatchObject({ name: "BackendError", reason: "out-of-memory" });
    expect(failures[name].message, name).toMatch(message);
  }
  expect(values).toEqual({
    y: [...y.dataSync()],
    unread: [...y.square().dataSync()],
    again: [...y.mul(2).dataSync()],
  });
  expect(cpu).toBe(1000);
  expect(held[1]).toBe(held[0]);
}

export function expectExhaustedWebGl({ forgotten, failures, cpu }: Report<"exhaustWebGl">): void {
  expect(forgotten).toMatchObject({ name: "BackendError", reason: "out-of-memory" });
  expect(forgotten.message).toMatch(/4000 bytes were wanted beside \d+ in \d+ arrays/);
  expect(failures.map(({ reason }) => reason)).toEqual(["device-lost", "device-lost", "device-lost"]);
  expect(failures[0].message).toMatch(/4000 bytes were wanted beside \d+ in \d+ arrays/);
  expect(cpu).toBe(1000);
}

export function expectBroken({ failure, values, cpu, held }: Report<"broken">, mode: string): void {
  expect(failure.name).toBe("BackendError");
  expect(failure.message).toMatch(new RegExp(`^wrong: gpujs \\(${mode}\\): `));
  expect(values).toEqual(new Array(16).fill(2));
  expect(cpu).toBe(16);
  expect(held[1]).toBe(held[0]);
}
