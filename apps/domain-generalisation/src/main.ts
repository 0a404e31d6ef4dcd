/** The command: its options, and the experiments with their tables and their page. */

import { checkList, defineApp, flag, integer, outputFile, seed, someOf, UsageError, type App } from "app-frame";
import { runExperiments, type Results } from "./experiment.js";
import { checks, titles } from "./findings.js";
import { methodIds, methodsOf } from "./methods.js";
import { reportPage } from "./report.js";
import { everywhere, fullSettings, parts, quickSettings, type Settings } from "./settings.js";
import { analysisTable, experimentTable } from "./terminal.js";

export const app: App = defineApp({
  name: "domain-generalisation",
  description: `Trains classifiers on environments in which a shortcut tells the label, by ten methods, and measures them where the
shortcut misleads. Prints tables and writes one HTML page.`,
  options: {
    only: someOf("parts", `some of ${parts.join(", ")}; separated by commas (default all)`, parts),
    methods: someOf("methods", `some of ${methodIds.join(", ")} (default all)`, methodIds),
    restarts: integer(
      "count",
      "trainings of each method, paired: restart r is a run with the seed + r (default 1; synthetic 2)",
      { least: 1, most: 1000 },
    ),
    seed,
    out: outputFile(
      "file",
      "where to write the page (default domain-generalisation.html)",
      "domain-generalisation.html",
    ),
    quick: flag("a little of everything in seconds; its numbers mean nothing"),
  },
  run: async ({ only, methods, restarts, seed, out, quick }, { signal, onProgress, print, write }) => {
    const idle = only.find((part) => !methodsOf[part].some(({ id }) => methods.includes(id)));
    if (idle !== undefined) throw new UsageError(`--methods has none of the methods of ${idle}`);
    const usual = quick ? quickSettings : fullSettings;
    const settings: Settings = {
      ...usual,
      seed,
      parts: only,
      methods,
      restarts: restarts === undefined ? usual.restarts : everywhere(restarts),
    };
    const start = performance.now();
    const results = await runExperiments(settings, {
      signal,
      onProgress: ({ part, method, fraction, text }) =>
        onProgress({ label: `${titles[part].padEnd(19)} ${method.padEnd(28)}`, fraction, text }),
    });
    const seconds = (performance.now() - start) / 1000;
    await write(out, reportPage(results, seconds));
    print(`\n${summary(results)}\n\n${seconds.toFixed(0)} seconds. Page: ${out}`);
    return checks(results).every(({ holds }) => holds);
  },
});

function summary(results: Results): string {
  const { settings, experiments, analyses } = results;
  const list = checks(results);
  return [
    ...experiments.map((experiment) => experimentTable(experiment, settings.quick)),
    ...(analyses.length > 0 ? [analysisTable(analyses)] : []),
    ...(list.length > 0 ? [checkList(list)] : []),
  ].join("\n\n");
}
