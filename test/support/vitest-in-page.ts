/** The part of vitest that the conformance suite needs, for a page: tests are collected, then run one after the other. */

interface Collected {
  readonly name: string;
  readonly run: () => unknown;
}

/** What became of a test. */
export interface Outcome {
  readonly name: string;
  /** Null if it passed. */
  readonly error: string | null;
}

const collected: Collected[] = [];
const path: string[] = [];

export function describe(name: string, body: () => void): void {
  path.push(name);
  body();
  path.pop();
}

class Skipped extends Error {}

export function test(name: string, body: (context: { skip(reason?: string): never }) => unknown): void {
  const skip = (reason = ""): never => {
    throw new Skipped(reason);
  };
  collected.push({ name: [...path, name].join(" > "), run: () => body({ skip }) });
}

interface Matchers {
  toBeInstanceOf(constructor: abstract new (...args: never[]) => unknown): void;
  toMatch(text: string): void;
}

export function expect(value: unknown): Matchers {
  const hold = (condition: boolean, what: string): void => {
    if (!condition) throw new Error(`${String(value)} ${what}`);
  };
  return {
    toBeInstanceOf: (constructor) => hold(value instanceof constructor, `is no ${constructor.name}`),
    toMatch: (text) => hold(typeof value === "string" && value.includes(text), `does not contain ${text}`),
  };
}

/** Runs what was collected since the last call. */
export async function runCollected(): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { name, run } of collected.splice(0)) {
    try {
      await run();
      outcomes.push({ name, error: null });
    } catch (error) {
      if (!(error instanceof Skipped))
        outcomes.push({ name, error: error instanceof Error ? error.message : String(error) });
    }
  }
  return outcomes;
}
