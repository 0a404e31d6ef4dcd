/**
 * A run on a card, part by part: `node curv-gpu.mjs PART [--tiny] [--limit SECONDS] [--out FOLDER] [--shard 1/4] [--only tanh,sum]`.
 * Prints one line of JSON, and writes it to FOLDER/PART.json. The exit status says whether what must hold held.
 */

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { bandwidth } from "./bandwidth.mjs";
import { conformance } from "./conformance.mjs";
import { pace } from "./harness.mjs";
import { fault, hard, hardCases } from "./hard.mjs";
import { hvpMlp, hvpResnet, hvpSmall, slq } from "./networks.mjs";
import { probe } from "./probe.mjs";
import { bessel } from "./special.mjs";
import { steps } from "./steps.mjs";
import { transport } from "./transport.mjs";

const parts = {
  probe,
  conformance,
  hard,
  "hard-cases": hardCases,
  "hvp-mlp": hvpMlp,
  "hvp-small": hvpSmall,
  "hvp-resnet": hvpResnet,
  slq,
  bandwidth,
  bessel,
  sinkhorn: transport,
  steps,
  fault,
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    tiny: { type: "boolean", default: false },
    limit: { type: "string", default: "420" },
    out: { type: "string" },
    shard: { type: "string" },
    only: { type: "string" },
    from: { type: "string", default: "0" },
  },
});

if (values.tiny) Object.assign(pace, { samples: 1, batchMilliseconds: 0, warm: 2 });
let failed = 0;
for (const name of positionals) {
  if (!(name in parts)) {
    console.error(`There is no part ${name}; there are: ${Object.keys(parts).join(", ")}.`);
    process.exit(2);
  }
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const { tiny, shard, only } = values;
  /** So that what is known stays when the process is ended. */
  const write = (text) => {
    if (values.out === undefined) return;
    mkdirSync(values.out, { recursive: true });
    const suffix = shard === undefined ? "" : `-${shard.replace("/", "-of-")}`;
    const path = `${values.out}/${name}${suffix}.json`;
    writeFileSync(`${path}.part`, `${text}\n`);
    renameSync(`${path}.part`, path);
  };
  const save = (known) => write(JSON.stringify({ part: name, tiny, seconds: seconds(), unfinished: true, ...known }));
  const run = { tiny, shard, only, from: Number(values.from), left: () => Number(values.limit) - seconds(), save };
  /** @type {Record<string, unknown>} */
  let result;
  try {
    result = { ok: true, ...(await parts[name](run)) };
  } catch (error) {
    result = {
      ok: false,
      error: String(error instanceof Error ? (error.stack ?? error.message) : error).slice(0, 4000),
    };
  }
  if (result.ok !== true) failed++;
  const text = JSON.stringify({ part: name, tiny, seconds: seconds(), ...result });
  console.log(text);
  write(text);
}
process.exit(failed === 0 ? 0 : 1);
