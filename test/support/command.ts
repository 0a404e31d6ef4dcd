/** Runs a program and gives what it printed; a failure carries the whole output. */

import { execFile } from "node:child_process";

/** Output of a program, standard output and error separately. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `program` in `cwd`; rejects with everything it printed when it exits with another status than 0. */
export function command(program: string, args: readonly string[], cwd: string): Promise<Output> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, maxBuffer: 64 * 1024 * 1024, env: plainEnvironment() }, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else reject(new Error(`${program} ${args.join(" ")} failed (${error.code}):\n${stdout}\n${stderr}`));
    });
  });
}

/** The environment without what vitest and pnpm add to it, so that a program behaves as in a user's shell. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|VITEST|NODE_ENV$|NODE_OPTIONS$|FORCE_COLOR$)/.test(name),
  );
  return { ...Object.fromEntries(inherited), NO_COLOR: "1" };
}
