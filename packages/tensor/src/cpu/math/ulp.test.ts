/** Every function against mpmath, in both precisions; `scripts/ulp-report.py` made the fixtures and the wide runs. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import * as math from "./index.js";
import { ulpBounds } from "./ulp-bounds.js";

interface Column {
  x: string;
  y: string;
  tail: string;
}

const wide = process.env["CURV_ULP_FIXTURES"];
const folder = wide ?? join(import.meta.dirname, "fixtures");
const functions = math as unknown as Record<string, (...x: number[]) => number>;

const precisions = [
  { name: "float64", suffix: "64", digits: 53, minExponent: -1022, array: Float64Array },
  { name: "float32", suffix: "32", digits: 24, minExponent: -126, array: Float32Array },
] as const;

/** Distance of the floating-point numbers about y, with an exponent of at least `minExponent`. */
function ulpOf(y: number, digits: number, minExponent: number): number {
  let exponent = Math.max(minExponent, Math.floor(Math.log2(Math.abs(y) || Number.MIN_VALUE)));
  if (exponent > minExponent && 2 ** exponent > Math.abs(y)) exponent--;
  if (2 ** (exponent + 1) <= Math.abs(y)) exponent++;
  return 2 ** (exponent - digits + 1);
}

/** The size of the terms that cancel: errors of the gamma functions left of 0 are measured against it. */
function cancelling(name: string, input: readonly number[]): number {
  const x = input[input.length - 1];
  if (x > 0) return 0;
  if (name === "lgamma") return Math.max(1, Math.abs(Math.log(-x)));
  if (name === "digamma") return Math.max(1, Math.abs(Math.PI / Math.tan(Math.PI * (x - Math.round(x)))));
  if (name === "polygamma") return Math.abs(math.polygamma64(input[0], 1 - x)); // the other side of the reflection
  return 0;
}

function decode(text: string): ArrayBuffer {
  const bytes = Buffer.from(text, "base64");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

const table: string[] = [];

describe.each(precisions)("$name", ({ name: precision, suffix, digits, minExponent, array }) => {
  const fixture = JSON.parse(readFileSync(join(folder, `${precision}.json`), "utf8")) as Record<string, Column>;

  test("the fixture and the table of bounds have the same functions", () => {
    expect(Object.keys(fixture).sort()).toEqual(Object.keys(ulpBounds).sort());
  });

  test.each(Object.keys(fixture))("%s", (name) => {
    const column = fixture[name];
    const x = new array(decode(column.x));
    const y = new array(decode(column.y));
    const tail = new Int8Array(decode(column.tail));
    const arity = x.length / y.length;
    const f = functions[name + suffix];
    const wrong: string[] = [];
    let worst = 0;
    let at = "";
    for (let i = 0; i < y.length; i++) {
      const input = Array.from(x.subarray(i * arity, (i + 1) * arity));
      const got = f(...input);
      const what = `${name}${suffix}(${input.join(", ")}) = ${got}, not ${y[i]}`;
      if (digits === 24 && Math.fround(got) !== got && got === got) wrong.push(`${what}: not a float32 number`);
      if (!Number.isFinite(y[i]) || (y[i] === 0 && tail[i] === 0)) {
        // Next to the overflow threshold a result may round to either side.
        const largest = digits === 53 ? Number.MAX_VALUE : 3.4028234663852886e38;
        const overflow = Math.abs(y[i]) === Infinity && got === Math.sign(y[i]) * largest;
        if (!Object.is(got, y[i]) && !overflow) wrong.push(what);
        continue;
      }
      const size = Math.max(Math.abs(y[i]), cancelling(name, input));
      const scale = ulpOf(y[i], digits, minExponent) / ulpOf(size, digits, minExponent);
      const error = Math.abs((got - y[i]) / ulpOf(y[i], digits, minExponent) - tail[i] / 256) * scale;
      if (!(error <= worst)) {
        worst = error;
        at = what;
      }
    }
    table.push(`${(name + suffix).padEnd(12)} ${worst.toFixed(2).padStart(6)}   ${at}`);
    expect(wrong).toEqual([]);
    expect(worst, at).toBeLessThanOrEqual(ulpBounds[name][precision]);
  });
});

afterAll(() => {
  if (wide !== undefined) console.log(table.join("\n"));
});
