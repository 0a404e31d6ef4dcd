/** The page of the browser tests as a process of Node: does what its parent asks. */

import { page } from "../browser/conformance.page.js";

const methods = page as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;

process.on("message", ([method, args]: [string, unknown[]]) => {
  methods[method](...args).then(
    (value) => process.send!({ value }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
