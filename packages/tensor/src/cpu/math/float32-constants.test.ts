/** A constant that is not a float32 number would round when a kernel writes it as one, and the bits would differ. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const files = readdirSync(import.meta.dirname).filter((name) => /^[a-z0-9-]+\.ts$/.test(name));

/** Bodies of the functions, and values of the constants, whose names end in 32. */
function float32Code(source: string): string[] {
  const code = source.replace(/\/\/.*|\/\*[^]*?\*\//g, "");
  const bodies = Array.from(code.matchAll(/function \w+32\([^]*?\n\}/g), (match) => match[0]);
  const constants = Array.from(code.matchAll(/const \w+32 = .*/g), (match) => match[0]);
  return [...bodies, ...constants];
}

test.each(files)("%s", (file) => {
  for (const code of float32Code(readFileSync(join(import.meta.dirname, file), "utf8"))) {
    for (const [literal] of code.matchAll(/(?<![\w.])\d+(\.\d+)?(e[+-]?\d+)?(?!\w)/g)) {
      const value = Number(literal);
      const threshold = literal === "1e38"; // is compared with, not computed with
      if (!threshold) expect(Math.fround(value), `${literal} in ${code.slice(0, 60)}`).toBe(value);
    }
  }
});
