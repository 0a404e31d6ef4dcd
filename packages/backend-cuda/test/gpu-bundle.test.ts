/** The bundle for a machine with a card: made, moved to an empty folder, and run there on the fake card with tiny sizes. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fakeCard, withCudnn, withNccl } from "./fake/build.js";

const made = fakeCard();
if (typeof made !== "string") {
  withCudnn(made);
  withNccl(made);
}
const script = fileURLToPath(new URL("../../../scripts/gpu-bundle.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "curv-gpu-"));
const bundle = join(folder, "bundle");

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the bundle", () => {
  beforeEach(({ skip }) => skip(typeof made === "string", String(made)));
  beforeAll(() => {
    const { stderr } = spawnSync(process.execPath, [script, bundle], { encoding: "utf8" });
    expect(stderr).toBe("");
  }, 300_000);

  test("its parts run where there is nothing but Node, and write what they found", { timeout: 900_000 }, () => {
    const names = ["curv-gpu.mjs", "gpu-run.sh", "node_modules", "package.json", "peers.py"];
    expect(readdirSync(bundle).sort()).toEqual(names);
    const parts = ["probe", "conformance", "hvp-small", "bessel", "steps", "hard"];
    const out = join(folder, "results");
    // Two small cards.
    const machine = join(folder, "machine.cjs");
    const driver = `require("${bundle}/node_modules/koffi").load(process.env.CURV_FAKE_DIR + "/libcuda.so.1")`;
    const set = (name: string, type: string, value: number): string => `driver.func("${name}", "int", ["${type}"])(${value});`; // prettier-ignore
    writeFileSync(machine, `const driver = ${driver};\n${set("fakeSetDevices", "int", 2)}\n${set("fakeSetMemory", "double", 2 ** 28)}\n`); // prettier-ignore
    const { status, stdout } = spawnSync("sh", [join(bundle, "gpu-run.sh"), "--tiny", ...parts], {
      encoding: "utf8",
      cwd: folder,
      // No interpreter: a peer that is not there is no failure.
      env: {
        ...process.env,
        OUT: out,
        BUDGET: "3000",
        PYTHON: "/nonexistent/python",
        NODE_OPTIONS: `--require ${machine}`,
      },
    });
    expect(stdout).toMatch("0 failed");
    expect(status).toBe(0);
    const result = (part: string): Record<string, unknown> =>
      JSON.parse(readFileSync(join(out, `${part}.json`), "utf8")) as Record<string, unknown>;
    expect(result("probe")).toMatchObject({ ok: true, devices: [{ name: "Fake card" }, { index: 1 }] });
    expect(result("conformance-1-of-4")).toMatchObject({ ok: true, failed: 0 });
    expect(result("conformance-1-of-4").done).toBeGreaterThan(0);
    expect(result("bessel")).toMatchObject({ ok: true, logIv: { ok: true }, "logKv, float32, mixed": { ok: true } });
    expect(result("hvp-small")).toMatchObject({ ok: true, sameBits: true });
    const hard = result("hard") as Record<string, Record<string, unknown>>;
    expect(hard).toMatchObject({ ok: true, failed: [], notRun: [] });
    // What a library does was done by it, not by what stands in for it.
    expect(JSON.stringify(hard)).toMatch(/convolutions by cuDNN: [1-9]\d* planned/);
    expect(Object.entries(hard).find(([name]) => name.startsWith("collectives"))![1]).toMatchObject({ cards: 2 });
    // The summary says what was not run, and why.
    expect(stdout).toMatch(/\nhard +ran\n/);
    expect(stdout).toMatch(/\nhvp-mlp +not run: it was not asked for\n/);
    expect(stdout).toMatch(/\npeer of hvp-small not measured, status 127: .*nonexistent/);
    expect(result("steps")).toMatchObject({ ok: true, flat: true, steps: 300 });
  });

  test("without a card a part says so, and fails", () => {
    const env = { ...process.env, CURV_CUDA_LIB_DIR: join(folder, "none") };
    const command = [join(bundle, "curv-gpu.mjs"), "steps", "--tiny"];
    const { status, stdout } = spawnSync(process.execPath, command, { encoding: "utf8", env });
    const result = JSON.parse(stdout) as { ok: boolean; error?: string };
    // A machine that has a card runs it.
    if (result.ok) expect(status).toBe(0);
    else {
      expect(status).toBe(1);
      expect(result.error).toMatch(/was not found|no device/);
    }
  });
});
