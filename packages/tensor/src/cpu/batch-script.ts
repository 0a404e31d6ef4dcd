/** Where the module for workers is: beside this one, unless a bundler has put all into one file. */
export function batchScript(): string {
  return import.meta.url.replace(/[^/]*$/, "batch-worker.js");
}
