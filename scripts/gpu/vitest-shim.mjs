/** What the conformance suite takes from vitest, without vitest: tests are put on a list, which a part of the run works off. */

/** @type {{ name: string, run: () => unknown }[]} */
export const collected = [];
const path = [];

export function describe(name, body) {
  path.push(name);
  body();
  path.pop();
}

export function test(name, body) {
  collected.push({ name: [...path, name].join(" > "), run: () => body({ skip: () => undefined }) });
}

export function expect(got) {
  const check = (holds, wanted) => {
    if (!holds) throw new Error(`${String(got)} is not as wanted: ${String(wanted)}`);
  };
  return {
    toBeInstanceOf: (wanted) => check(got instanceof wanted, wanted.name),
    toMatch: (wanted) => check(typeof wanted === "string" ? got.includes(wanted) : wanted.test(got), wanted),
  };
}
