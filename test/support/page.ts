/** Runs a page of a folder in the browser, as Vite builds it. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, preview } from "vite";
import { startBrowser } from "./chromium.js";

/** What a page must write last. */
export const lastLine = "ran to its end";

/** Else the browser asks for one and reports that there is none. */
const noIcon = `<link rel="icon" href="data:,">`;

/** Makes `code` the page of a folder, bundled. */
export async function buildPage(folder: string, code: string): Promise<void> {
  writeFileSync(join(folder, "index.html"), `${noIcon}<script type="module" src="/example.ts"></script>`);
  writeFileSync(join(folder, "example.ts"), `${code}\nconsole.log(${JSON.stringify(lastLine)});\n`);
  await build({ root: folder, configFile: false, logLevel: "error", build: { target: "es2022" } });
}

/**
 * What the built page writes to its console; an error on the page rejects.
 *
 * @param headers - That the page is served with.
 */
export async function printedBy(folder: string, headers: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const server = await preview({
    root: folder,
    configFile: false,
    logLevel: "error",
    preview: { host: "127.0.0.1", port: 0, headers },
  });
  const browser = await startBrowser();
  try {
    const page = await browser.newPage();
    const printed: string[] = [];
    const finished = new Promise<void>((resolve, reject) => {
      page.on("pageerror", reject);
      page.on("console", (message) => {
        printed.push(message.text());
        if (message.text() === lastLine) resolve();
      });
    });
    await Promise.all([finished, page.goto(server.resolvedUrls?.local[0] ?? "")]);
    return printed;
  } finally {
    await browser.close();
    await server.close();
  }
}
