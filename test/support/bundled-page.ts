/** A page of one script, bundled from the packages' sources, in a browser that has WebGL2 and WebGPU in software. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { startBrowser } from "./chromium.js";

export { whyNoBrowser } from "./chromium.js";

/** An open page with a script in it. */
export interface OpenPage {
  readonly page: Page;
  /** What was written to its console. */
  readonly printed: readonly string[];
  /** Calls a method of what the script made its global `page`. */
  ask(method: string, ...args: readonly unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

const withoutCard = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--enable-unsafe-webgpu"];

/**
 * Bundles a script, in which `vitest` is what `vitest-in-page.ts` has of it, serves it with `files` beside it, and opens it. A page on 127.0.0.1
 * is a secure origin, which WebGPU wants.
 *
 * @param script - Its path.
 */
export async function openPage(script: string, files: Readonly<Record<string, Uint8Array>> = {}): Promise<OpenPage> {
  const { outputFiles } = await build({
    entryPoints: [script],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["@curv/source"],
    alias: { vitest: join(fileURLToPath(new URL(".", import.meta.url)), "vitest-in-page.ts") },
    logLevel: "silent",
  });
  const code = outputFiles[0].text;
  const server: Server = createServer((request, response) => {
    const file = files[request.url?.slice(1) ?? ""];
    if ((file as Uint8Array | undefined) !== undefined) {
      response.writeHead(200, { "content-type": "application/octet-stream" });
      response.end(file);
      return;
    }
    const isScript = request.url === "/page.js";
    response.writeHead(200, {
      "content-type": isScript ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8",
    });
    response.end(
      isScript ? code : `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await startBrowser(withoutCard);
  const page = await browser.newPage();
  const printed: string[] = [];
  page.on("console", (message) => printed.push(message.text()));
  page.on("pageerror", (error) => printed.push(`error: ${error.message}`));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const close = async (): Promise<void> => {
    await browser.close();
    server.close();
  };
  try {
    await page.waitForFunction("globalThis.page !== undefined", null, { timeout: 60_000 });
  } catch (error) {
    await close();
    throw new Error(`the page did not start: ${printed.join("; ")}`, { cause: error });
  }
  const ask = (method: string, ...args: readonly unknown[]): Promise<unknown> =>
    page.evaluate(
      ([name, list]) =>
        (globalThis as unknown as { page: Record<string, (...x: unknown[]) => unknown> }).page[name](...list),
      [method, [...args]] as const,
    );
  return { page, printed, ask, close };
}
