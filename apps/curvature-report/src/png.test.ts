import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { greyPng } from "./png.js";

test("a PNG holds the grey values", () => {
  const uri = greyPng(Float32Array.of(0, 1, 0.2, 0, 0.4, 1), 3);
  const file = Buffer.from(uri.replace("data:image/png;base64,", ""), "base64");
  expect(file.subarray(1, 4).toString("latin1")).toBe("PNG");
  expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([3, 2]);
  const at = file.indexOf("IDAT");
  const length = file.readUInt32BE(at - 4);
  expect([...inflateSync(file.subarray(at + 4, at + 4 + length))]).toEqual([0, 0, 255, 51, 0, 0, 102, 255]);
});
