/** The columns of `fixtures/bessel-grid.json`: 20,000 points and values by mpmath at 60 digits. */

import { readFileSync } from "node:fs";

type Column = "v" | "x" | "logIv" | "logKv" | "logIve" | "logKve" | "ratioI" | "ratioK" | "dvLogIv" | "dvLogKv";

const url = new URL("../src/fixtures/bessel-grid.json", import.meta.url);
const grid = JSON.parse(readFileSync(url, "utf8")) as Readonly<Record<Column, string>>;

export const column = (name: Column): Float64Array =>
  new Float64Array(Uint8Array.from(Buffer.from(grid[name], "base64")).buffer);
