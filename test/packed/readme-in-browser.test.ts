/** The README example of @curv/tensor, bundled by Vite from the published package, runs in headless Chromium. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { whyNoBrowser } from "../support/chromium.js";
import { examplesOf, statedOutput } from "../support/examples.js";
import { consumerOf, packed, withPeers } from "../support/install.js";
import { buildPage, lastLine, printedBy } from "../support/page.js";

test("the README example runs in Chromium", async ({ skip }) => {
  const reason = whyNoBrowser();
  skip(reason !== undefined, reason);
  const [tensor] = withPeers(packed(), "@curv/tensor");
  const [example] = examplesOf(join(tensor.directory, "README.md"), tensor.directory);
  const folder = consumerOf([tensor]);
  await buildPage(folder, example.code);
  const printed = await printedBy(folder);
  expect(printed).toEqual(expect.arrayContaining([...statedOutput(example.code), lastLine]));
});
