import { test } from "vitest";
import { openPage } from "./chromium.js";
import type { Report } from "./conformance.page.js";

test.each(["webgl2", "webgpu", "webgl"])("%s", async (mode) => {
  const opened = await openPage("conformance.page.ts");
  try {
    const only = process.env.ONLY?.split(",") ?? null;
    const t = performance.now();
    const report = (await Promise.race([
      opened.page.evaluate(([m, o]) => (globalThis as any).page.conformance(m, o), [mode, only] as const),
      new Promise((r) => setTimeout(r, 200000)).then(() => null),
    ])) as Report | null;
    if (report === null) return console.log("timeout", opened.printed.slice(0, 20));
    console.log(mode, report.describe, report.outcomes.length, performance.now() - t);
    for (const o of report.outcomes) if (o.error) console.log(o.name, o.error.slice(0, 600));
    console.log(opened.printed.slice(0, 10));
  } catch (e) { console.log(mode, String(e).slice(0, 1500), opened.printed.slice(0, 10)); } finally { await opened.close(); }
}, 300000);
