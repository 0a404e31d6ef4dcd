/** The conformance suite of `@curv/tensor/testing` on the card; in shards, so that each fits into its time. */

import { conformance as register } from "@curv/tensor/testing";
import { messageOf, openCard } from "./harness.mjs";
import { collected } from "./vitest-shim.mjs";

/** As on the fake card: the CPU's bounds, four times. */
const tolerance = 4;

/** @param {import("./harness.mjs").Run} run */
export async function conformance({ tiny, left, save, shard = "1/1", only }) {
  const place = openCard({ hostFallback: false });
  const names = only?.split(",") ?? (tiny ? ["tanh"] : undefined);
  /** @type {import("@curv/tensor").DType[]} */
  const dtypes = tiny ? ["float32"] : ["float32", "float64", "int32", "uint32", "bool"];
  register(place, { tolerance, dtypes, ...(names === undefined ? {} : { only: names }) });
  const [part, parts] = shard.split("/").map(Number);
  // Neighbours in the list are of one primitive: dealt out like cards, each shard has of all of them.
  const tests = collected.filter((_, i) => i % parts === part - 1);
  const failures = [];
  let done = 0;
  let saved = left();
  for (const { name, run } of tests) {
    if (left() < 2) break;
    try {
      await run();
    } catch (error) {
      failures.push({ name, message: messageOf(error).slice(0, 600) });
    }
    done++;
    if (saved - left() > 5) {
      save({ ok: false, shard, tests: tests.length, done, failed: failures.length, failures: failures.slice(0, 60) });
      saved = left();
    }
  }
  return {
    ok: failures.length === 0 && done === tests.length,
    shard,
    tests: tests.length,
    done,
    failed: failures.length,
    failures: failures.slice(0, 60),
    kernelsCompiled: place.device.cache.misses,
    kernelsFromCache: place.device.cache.hits,
    spills: place.device.resources.filter(({ spilled }) => spilled > 0).length,
  };
}
