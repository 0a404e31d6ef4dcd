/** The Chromium that browser tests run in, and how it is started. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome"];

/** Why there is no browser to test in; undefined when there is one. */
export function whyNoBrowser(): string | undefined {
  return executable() ? undefined : `no ${names.join(" or ")} on the PATH; install one, or name one in CURV_CHROMIUM`;
}

/**
 * Starts the browser without a window, without a sandbox (CI runs as root) and without calls of its own to the network.
 *
 * @param more - Further arguments.
 */
export function startBrowser(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: executable() ?? "",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", ...more],
  });
}

function executable(): string | undefined {
  const named = process.env.CURV_CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const candidates = named ? [named] : names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find((path) => existsSync(path));
}
