/** The README example of @curv/tensor, bundled by Vite from the published package, runs in headless Chromium. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, preview } from "vite";
import { expect, test } from "vitest";
import { startBrowser, whyNoBrowser } from "../support/chromium.js";
import { examplesOf, statedOutput } from "../support/examples.js";
import { installed, packed, withPeers } from "../support/install.js";

/** Else the browser asks for one and reports that there is none. */
const noIcon = `<link rel="icon" href="data:,">`;

test("the README example runs in Chromium", async ({ skip }) => {
  const reason = whyNoBrowser();
  skip(reason !== undefined, reason);
  const [tensor] = withPeers(packed(), "@curv/tensor");
  const [example] = examplesOf(join(tensor.directory, "README.md"), tensor.directory);
  const folder = await installed([tensor]);
  writeFileSync(join(folder, "index.html"), `${noIcon}<script type="module" src="/example.ts"></script>`);
  // The last line tells the test that everything before it ran.
  writeFileSync(join(folder, "example.ts"), `${example.code}\nconsole.log("ran to its end");\n`);
  const config = { root: folder, configFile: false, logLevel: "error" } as const;
  await build({ ...config, build: { target: "es2022" } });

  const printed = await printedBy(config);
  expect(printed).toEqual(expect.arrayContaining([...statedOutput(example.code), "ran to its end"]));
});

/** What the page of a built folder writes to its console; an error on the page rejects. */
async function printedBy(config: { readonly root: string }): Promise<string[]> {
  const server = await preview({ ...config, preview: { host: "127.0.0.1", port: 0 } });
  const browser = await startBrowser();
  try {
    const page = await browser.newPage();
    const printed: string[] = [];
    const finished = new Promise<void>((resolve, reject) => {
      page.on("pageerror", reject);
      page.on("console", (message) => {
        printed.push(message.text());
        if (message.text() === "ran to its end") resolve();
      });
    });
    await Promise.all([finished, page.goto(server.resolvedUrls?.local[0] ?? "")]);
    return printed;
  } finally {
    await browser.close();
    await server.close();
  }
}
