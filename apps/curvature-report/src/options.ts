/** The command line. */

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { architectures } from "./networks.js";
import { fullSettings, quickResnetSettings, quickSettings, resnetSettings, type Settings } from "./settings.js";

export const help: string = `Trains two small networks on 10,000 handwritten digits, measures the curvature of their losses with
Hessian-vector products, and checks at which learning rate gradient descent becomes unstable.

Usage: npm start -- [options]

  --seed <integer>   of everything random; the same seed gives the same numbers (default 0)
  --epochs <count>   passes over the digits, for both networks
                     (default ${fullSettings.epochs.mlp} for the MLP, ${fullSettings.epochs.cnn} for the CNN)
  --out <file>       where to write the report (default report.html)
  --resnet           study ResNet-20, too (some minutes more)
  --save <folder>    write the trained networks there, as architecture.safetensors
  --model <file>     measure the curvature of a saved network, instead of training any
  --architecture <name>
                     what the file holds: ${Object.keys(architectures).join(", ")}
  --quick            a little of everything in a few seconds; its numbers mean little
  --help             this text

Exit code: 0 when all went well, 1 when something failed or a network of a default run stays below its accuracy,
2 for wrong options, 130 when interrupted.
`;

/** Options that cannot be understood; the message says which, and what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "run"; readonly settings: Settings; readonly out: string; readonly save: string | null }
  | {
      readonly kind: "model";
      readonly settings: Settings;
      readonly out: string;
      readonly file: string;
      readonly architecture: string;
    };

const mostEpochs = 1000;

/**
 * Reads the options.
 *
 * @param directory - Against which a relative --out is resolved.
 * @throws UsageError
 */
export function readOptions(args: readonly string[], directory: string): Command {
  const { seed, epochs, out, quick, resnet, save, model, architecture, help: wantsHelp } = parse(args);
  if (wantsHelp) return { kind: "help" };
  const base = quick ? quickSettings : fullSettings;
  const settings: Settings = {
    ...base,
    seed: seed === undefined ? 0 : integer("seed", seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    ...(epochs === undefined ? {} : { epochs: both(integer("epochs", epochs, 1, mostEpochs)) }),
    resnet: resnet ? (quick ? quickResnetSettings : resnetSettings) : null,
  };
  const page = outputPath(out ?? "report.html", directory);
  if (model === undefined) {
    if (architecture !== undefined) throw new UsageError("--architecture is of a --model; none was given");
    if (save === "") throw new UsageError("--save is empty; wants the name of a folder");
    return { kind: "run", settings, out: page, save: save === undefined ? null : resolve(directory, save) };
  }
  for (const [name, given] of Object.entries({ save, epochs, resnet })) {
    if (given !== undefined) throw new UsageError(`--${name} is of training; with --model nothing is trained`);
  }
  const names = Object.keys(architectures);
  if (architecture === undefined || !names.includes(architecture)) {
    throw new UsageError(`--architecture is "${architecture ?? ""}"; wants ${names.join(", ")}`);
  }
  const file = resolve(directory, model);
  if (!existsSync(file) || statSync(file).isDirectory())
    throw new UsageError(`--model ${model}: there is no such file`);
  return { kind: "model", settings, out: page, file, architecture };
}

function parse(args: readonly string[]): {
  seed?: string;
  epochs?: string;
  out?: string;
  quick?: boolean;
  resnet?: boolean;
  save?: string;
  model?: string;
  architecture?: string;
  help?: boolean;
} {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: "string" },
        epochs: { type: "string" },
        out: { type: "string" },
        quick: { type: "boolean" },
        resnet: { type: "boolean" },
        save: { type: "string" },
        model: { type: "string" },
        architecture: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    // Node's text goes on to explain conventions of the shell.
    const [message] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(message);
  }
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = least === Number.MIN_SAFE_INTEGER ? "a safe integer" : `an integer from ${least} to ${most}`;
  throw new UsageError(`--${name} is "${text}"; wants ${range}`);
}

function both(epochs: number): Settings["epochs"] {
  return { mlp: epochs, cnn: epochs };
}

/** Refused now rather than after minutes of work. */
function outputPath(out: string, directory: string): string {
  if (out === "") throw new UsageError(`--out is empty; wants the name of a file`);
  const path = resolve(directory, out);
  if (existsSync(path) && statSync(path).isDirectory()) throw new UsageError(`--out ${out} is a folder; wants a file`);
  if (!existsSync(dirname(path))) throw new UsageError(`--out ${out}: the folder ${dirname(path)} does not exist`);
  return path;
}
