/**
 * The cases of `card-cases.mjs` and `cpu-cases.mjs`, in a process of their own: one that takes too long, or leaves the card's context dead, is
 * ended with its process, and the next ones run in a new one. What is known is written after each.
 */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { use } from "@curv/tensor";
import { cardCases, fault } from "./card-cases.mjs";
import { cpuCases } from "./cpu-cases.mjs";
import { openCard } from "./harness.mjs";

export { fault };

/** Seconds for one case: the longest waits for the CPU's numbers. */
const mostSeconds = 25;

/** Those that only a card can answer first; the last one leaves its context dead. */
const casesOf = (place, tiny) => ({ ...cpuCases(place, tiny), ...cardCases(place, tiny) });

/**
 * The process of the cases from number `from` on: a line of JSON when one begins, and one when it is done. Ends when the card is lost.
 *
 * @param {import("./harness.mjs").Run} run
 */
export function hardCases({ tiny, from }) {
  const place = openCard();
  const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
  for (const [i, [name, f]] of Object.entries(casesOf(place, tiny)).entries()) {
    if (i < from) continue;
    say({ begins: i });
    use(place);
    const start = performance.now();
    /** @type {Record<string, unknown>} */
    let result;
    try {
      result = { ok: true, ...f() };
    } catch (error) {
      result = { ok: false, message: String(error instanceof Error ? (error.stack ?? error.message) : error).slice(0, 1500) }; // prettier-ignore
    }
    say({ ends: i, name, result: { seconds: (performance.now() - start) / 1000, ...result } });
    if (place.device.lost) break;
  }
  return {};
}

/** @param {import("./harness.mjs").Run} run */
export async function hard({ tiny, left, save }) {
  const names = Object.keys(casesOf(null, tiny));
  const results = {};
  let next = 0;
  while (next < names.length && left() > 2) {
    const before = next;
    await runFrom(next, { tiny, left }, (i, result) => {
      results[names[i]] = result;
      next = i + 1;
      save({ ...summary(names, results), ...results });
    });
    // Not even one has begun: the card could not be opened.
    if (next === before) break;
  }
  return { ...summary(names, results), ...results };
}

function summary(names, results) {
  const notRun = names.filter((name) => !(name in results));
  const failed = names.filter((name) => results[name]?.ok === false);
  return { ok: failed.length === 0 && notRun.length === 0, cases: names.length, failed, notRun };
}

/** Runs cases in one process, as far as it comes. */
function runFrom(from, { tiny, left }, done) {
  const self = fileURLToPath(import.meta.url);
  const options = ["--from", String(from), ...(tiny ? ["--tiny"] : [])];
  const child = spawn(process.execPath, [self, "hard-cases", ...options], { stdio: ["ignore", "pipe", "pipe"] });
  /** @type {number | null} */
  let running = null;
  let [why, errors] = ["", ""];
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const stop = () => {
    why = "its time was up";
    child.kill("SIGKILL");
  };
  child.stderr.on("data", (text) => (errors = `${errors}${text}`.slice(-1500)));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = line.startsWith("{") ? JSON.parse(line) : {};
    if (said.begins !== undefined) {
      running = said.begins;
      clearTimeout(timer);
      timer = setTimeout(stop, 1000 * Math.max(1, Math.min(tiny ? 1e5 : mostSeconds, left())));
    } else if (said.ends !== undefined) {
      running = null;
      done(said.ends, said.result);
    } else if (said.error !== undefined) errors += said.error;
  });
  timer = setTimeout(stop, 1000 * Math.max(1, Math.min(tiny ? 1e5 : 60, left())));
  return new Promise((resolve) => {
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      if (running !== null)
        done(running, { ok: false, message: why || `its process ended with ${signal ?? status}: ${errors}` }); // prettier-ignore
      else if (errors !== "") console.error(errors);
      resolve(undefined);
    });
  });
}
