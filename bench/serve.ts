/** The process of a JavaScript peer: answers questions of own-process.ts until its parent is gone. */

import { setThreads } from "@curv/tensor";
import { benchmarks } from "./benchmarks.js";
import type { Contender } from "./comparison.js";
import { threads } from "./machine.js";
import type { Answer, Question } from "./peers/own-process.js";

setThreads(threads);
const prepared: Contender[] = [];

async function answer(question: Question): Promise<Answer> {
  if ("time" in question) return { seconds: await prepared[question.time].time(question.calls) };
  const { benchmark, case: task, peer } = question.prepare;
  const { cases } = await benchmarks[benchmark.replace("-2-threads", "")]();
  const { peers } = cases.find(({ name }) => name === task)!;
  const contender = await peers.find(({ name }) => name === peer)!.prepare();
  prepared.push(contender);
  return { id: prepared.length - 1, name: contender.name, values: await contender.values() };
}

process.on("message", (question: Question) => {
  answer(question).then(
    (reply) => process.send!(reply),
    (error: unknown) => process.send!({ error: error instanceof Error ? error.message : String(error) }),
  );
});
// Worker threads of the library would keep the process alive.
process.on("disconnect", () => process.exit(0));
