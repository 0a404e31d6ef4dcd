/** The command: its options, and the experiment with its table and its report. */

import {
  checkList,
  defineApp,
  flag,
  inputFile,
  integer,
  oneOf,
  outputFile,
  outputFolder,
  seed,
  UsageError,
  type App,
  type Context,
} from "app-frame";
import { noCheckpoint, openCheckpoint } from "./checkpoint.js";
import { runExperiment, runModel } from "./experiment.js";
import { checks, findings, networkFindings } from "./findings.js";
import { saveModels } from "./models.js";
import { architectures } from "./networks.js";
import { modelPage, reportPage } from "./report.js";
import { fullSettings, quickSettings, type Architecture, type Settings, type Study } from "./settings.js";
import type { Progress } from "./stages.js";
import { table } from "./terminal.js";

const names = Object.keys(architectures) as Architecture[];

export const app: App = defineApp({
  name: "curvature-report",
  usage: "npm start --",
  description: `Trains small networks on 10,000 handwritten digits, measures the curvature of their losses with
Hessian-vector products, and checks at which learning rate gradient descent becomes unstable.`,
  misses: "a network of a default run stays below its accuracy",
  options: {
    seed,
    epochs: integer(
      "count",
      `passes over the digits, for all networks
(default ${names.map((name) => `${fullSettings.studies[name].epochs} for ${name}`).join(", ")})`,
      { least: 1, most: 1000 },
    ),
    out: outputFile("file", "where to write the report (default report.html)", "report.html"),
    resnet: flag("study ResNet-20, too (about ten minutes more)"),
    save: outputFolder("folder", "write the trained networks there, as architecture.safetensors"),
    checkpoint: outputFolder(
      "folder",
      "keep what is done there; a run that was stopped goes on from it,\nif its options are the same",
    ),
    model: inputFile("file", "measure the curvature of a saved network, instead of training any", "a file"),
    architecture: oneOf("name", `what the file holds: ${names.join(", ")}`, names),
    quick: flag("a little of everything in a few seconds; its numbers mean little"),
  },
  run: async ({ seed, epochs, out, resnet, save, checkpoint, model, architecture, quick }, context) => {
    const usual = quick ? quickSettings : fullSettings;
    const study = (name: Architecture): Study => ({
      ...usual.studies[name],
      ...(epochs === undefined ? {} : { epochs }),
    });
    const settings: Settings = {
      ...usual,
      seed,
      trained: resnet ? names : usual.trained,
      studies: { mlp: study("mlp"), cnn: study("cnn"), resnet20: study("resnet20") },
    };
    if (model === undefined) {
      if (architecture !== undefined) throw new UsageError("--architecture is of a --model; none was given");
      // Who asks for other epochs than the default ones was promised nothing.
      const held = await trained(settings, { out, save, checkpoint }, context);
      return held || epochs !== undefined;
    }
    for (const [name, given] of Object.entries({ save, checkpoint, epochs, resnet: resnet || undefined })) {
      if (given !== undefined) throw new UsageError(`--${name} is of training; with --model nothing is trained`);
    }
    if (architecture === undefined) throw new UsageError(`--model wants an --architecture: ${names.join(", ")}`);
    return saved(settings, out, { file: model, architecture }, context);
  },
});

/** Trains the networks and reports on them; whether all claims hold. */
async function trained(
  settings: Settings,
  {
    out,
    save,
    checkpoint: folder,
  }: { readonly out: string; readonly save: string | undefined; readonly checkpoint: string | undefined },
  context: Context,
): Promise<boolean> {
  const { print, write, width } = context;
  const checkpoint = folder === undefined ? noCheckpoint : await openCheckpoint(folder, settings);
  const { results, examples, models, seconds } = await runExperiment(settings, { ...watch(context), checkpoint });
  await write(out, reportPage({ results, examples, models, seconds }));
  if (save !== undefined) for (const file of await saveModels(save, models)) print(`Saved ${file}`);
  const total = Object.values(seconds).reduce((a, b) => a + b, 0);
  const list = checks(results);
  print(`\n${table(findings(results), Math.min(width, 200))}\n`);
  if (list.length > 0) print(`${checkList(list)}\n`);
  print(`${total.toFixed(0)} seconds. Report: ${out}`);
  return list.every(({ holds }) => holds);
}

/** Reports on a network from a file. */
async function saved(
  settings: Settings,
  out: string,
  model: { readonly file: string; readonly architecture: Architecture },
  context: Context,
): Promise<boolean> {
  const { print, write, width } = context;
  const results = await runModel(settings, model, watch(context));
  await write(out, modelPage(results));
  print(`\n${table(networkFindings(results.network), Math.min(width, 200))}\n\nReport: ${out}`);
  return true;
}

function watch({ signal, onProgress }: Context): {
  signal: AbortSignal | undefined;
  onProgress: (progress: Progress) => void;
} {
  return {
    signal,
    onProgress: ({ stage, step, steps, ...progress }) =>
      onProgress({ label: `[${step}/${steps}] ${stage.padEnd(16)}`, ...progress }),
  };
}
