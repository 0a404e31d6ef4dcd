/**
 * A minor changeset of one package is a minor release of every package. With other settings of changesets, a minor
 * release of a peer makes its dependents jump to 1.0.0.
 */

import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newPackage } from "../scripts/new-package.mjs";
import { peerRange } from "../scripts/package-shape.mjs";
import { packages } from "../scripts/workspace.mjs";
import { command } from "./support/command.js";
import { emptyFolder, root } from "./support/paths.js";

const changeset = createRequire(import.meta.url).resolve("@changesets/cli/bin.js");

test("a minor changeset is a minor release everywhere", async () => {
  const copy = await workspaceCopy();
  expect(await versionsAfter(copy, "minor")).toEqual(["0.2.0"]);
  expect(await versionsAfter(copy, "patch")).toEqual(["0.2.1"]);
  expect(await versionsAfter(copy, "minor")).toEqual(["0.3.0"]);
  const { manifest } = packages(copy).find(({ name }) => name === "hvp")!;
  expect(manifest.peerDependencies["@curv/tensor"]).toBe(peerRange);
});

/** The manifests of the workspace, at version 0.1.0, with a foundation and a method package among them. */
async function workspaceCopy(): Promise<string> {
  const copy = emptyFolder();
  const keep = ["package.json", "pnpm-workspace.yaml", "README.md", ".changeset/config.json", "docs/package.json"];
  const manifests = packages(root).map(({ name }) => `packages/${name}/package.json`);
  for (const path of [...keep, ...manifests]) cpSync(join(root, path), join(copy, path));
  for (const { directory, manifest } of packages(copy)) {
    writeFileSync(join(directory, "package.json"), JSON.stringify({ ...manifest, version: "0.1.0" }));
  }
  const names = packages(copy).map(({ name }) => name);
  for (const name of ["nn", "hvp"]) {
    if (!names.includes(name)) await newPackage(copy, name, "A package for this test.");
  }
  await command("git", ["init", "--quiet", "--initial-branch=main"], copy);
  await commit(copy);
  return copy;
}

/** The versions that the packages have after a changeset of @curv/tensor alone. */
async function versionsAfter(copy: string, bump: string): Promise<string[]> {
  const folder = join(copy, ".changeset");
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (file.endsWith(".md")) rmSync(join(folder, file));
  writeFileSync(join(folder, "one.md"), `---\n"@curv/tensor": ${bump}\n---\n\nA change.\n`);
  await command(process.execPath, [changeset, "version"], copy);
  await commit(copy);
  return [...new Set(packages(copy).map(({ manifest }) => manifest.version))];
}

async function commit(copy: string): Promise<void> {
  await command("git", ["add", "."], copy);
  const author = ["-c", "user.name=test", "-c", "user.email=test@test.invalid"];
  await command("git", [...author, "commit", "--quiet", "--allow-empty", "--message", "A state"], copy);
}
