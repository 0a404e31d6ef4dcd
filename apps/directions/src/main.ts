/** The command: its options, and the study with its tables and its page. */

import { checkList, defineApp, flag, integer, outputFile, seed, textTable, type App } from "app-frame";
import { reportPage } from "./report.js";
import { fullSettings, quickSettings, type Settings } from "./settings.js";
import { checksOf, study } from "./study.js";
import { digitsTable, knownTable, othersTable, strangersTable } from "./tables.js";

const few = { least: 1, most: 100 };

export const app: App = defineApp({
  name: "directions",
  description: `Mixtures of von Mises-Fisher distributions in 784 to 32,768 dimensions: clusters of digits, how narrow they are, and
pictures that do not belong. Writes one page.`,
  options: {
    components: integer("count", `of the mixtures of digits, 1 to 100 (default ${fullSettings.components})`, few),
    starts: integer(
      "count",
      `of each mixture, of which the likeliest end is kept, 1 to 100 (default ${fullSettings.starts})`,
      few,
    ),
    seed,
    out: outputFile("file", "where to write (default directions.html)", "directions.html"),
    quick: flag("a little of everything in seconds; its numbers mean little"),
  },
  run: async ({ components, starts, seed, out, quick }, { signal, print, write }) => {
    const base = quick ? quickSettings : fullSettings;
    const settings: Settings = {
      ...base,
      seed,
      components: components ?? base.components,
      starts: starts ?? base.starts,
    };
    const results = await study(settings, { signal, onProgress: print });
    await write(out, reportPage(results));
    for (const table of [knownTable, digitsTable, strangersTable, othersTable]) print(`\n${textTable(table(results))}`);
    const checks = checksOf(results);
    if (checks.length > 0) print(`\n${checkList(checks)}`);
    print(`\nPage: ${out}`);
    return checks.every(({ holds }) => holds);
  },
});
