/** Makes dist/results/index.html of all results that lie there, and prints the table of marks: `report.ts [--markdown]`, as README.md has it. */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, judge } from "./marks.js";
import { page, summary } from "./page.js";
import { readResults, resultsFolder } from "./results.js";
import { formatLines } from "./table.js";

const results = readResults();
const judgements = judge(results);
const header = ["work", "Curv", "beside", "time ratio (quartiles)", "wanted", ""];
if (process.argv.includes("--markdown")) {
  const rule = header.map(() => "---");
  for (const line of [header, rule, ...judgements.map(describe)]) console.log(`| ${line.join(" | ")} |`);
} else {
  console.log(`\nWhat was to be reached. ${summary(judgements)}`);
  console.log(formatLines(header, judgements.map(describe)));
  const file = new URL("index.html", resultsFolder);
  writeFileSync(file, page(results));
  console.log(`\n${fileURLToPath(file)}: the same with plots`);
}
