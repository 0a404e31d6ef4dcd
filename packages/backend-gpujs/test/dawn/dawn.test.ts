/** Mode webgpu in Node, by Dawn on a software driver: users' programs, functions of other packages, failures; conformance if all of it is asked for. */

import { describe, test } from "vitest";
import { deviceTests, timeout } from "../device-tests.js";
import { startProgram, whyNoDriver } from "./driver.js";

const reason = whyNoDriver();
const place = {
  adapter: /./,
  later: /conforms|as on the CPU|arrays outlive/,
  why: "Chromium's WebGPU shows it at every commit",
};

if (reason !== undefined) test("webgpu in Node", ({ skip }) => skip(reason));
else describe("webgpu in Node", { timeout }, () => deviceTests("webgpu", startProgram, place));
