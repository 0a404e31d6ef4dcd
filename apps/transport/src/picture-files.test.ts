import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jpeg from "jpeg-js";
import { afterAll, describe, expect, test } from "vitest";
import kinds from "./fixtures/pictures.json" with { type: "json" };
import { decodePicture, encodePng, PictureError, readPicture } from "./picture-files.js";
import { hasAlpha, reduced, type Picture } from "./picture.js";

const directory = mkdtempSync(join(tmpdir(), "transport-pictures-"));
afterAll(() => rmSync(directory, { recursive: true }));

function picture(width: number, height: number, alpha: (k: number) => number): Picture {
  const data = new Uint8Array(4 * width * height);
  for (let k = 0; k < width * height; k++) data.set([(37 * k) % 256, (71 * k) % 256, (113 * k) % 256, alpha(k)], 4 * k);
  return { width, height, data };
}

describe("PNG", () => {
  test.each([
    ["opaque", (): number => 255],
    ["transparent in parts", (k: number): number => (53 * k) % 256],
  ])("comes back as it was: %s", (_, alpha) => {
    const before = picture(13, 9, alpha);
    const file = encodePng(before);
    const after = decodePicture(file, "x.png");
    expect(after).toEqual(before);
    // Colour type 2 has no alpha, 6 has.
    expect(file[25]).toBe(hasAlpha(before) ? 6 : 2);
    expect(encodePng(after)).toEqual(file);
  });

  test.each(Object.entries(kinds.png))("%s, as Pillow reads it", (_, { file, rgba }) => {
    const { width, height, data } = decodePicture(Buffer.from(file, "base64"), "x.png");
    expect([width, height]).toEqual([7, 5]);
    expect(Array.from(data)).toEqual(rgba);
  });
});

describe("JPEG", () => {
  test.each(Object.entries(kinds.jpeg))("%s, near what Pillow reads", (name, { file, width, height, rgba }) => {
    const decoded = decodePicture(Buffer.from(file, "base64"), "x.jpg");
    expect([decoded.width, decoded.height]).toEqual([width, height]);
    const off = rgba.map((v, k) => Math.abs(v - decoded.data[k]));
    // Decoders round differently, and spread halved colours over the pixels by filters of their own.
    expect(off.reduce((s, v) => s + v, 0) / off.length).toBeLessThan(name === "half the colours" ? 8 : 1);
  });
});

describe("bad files are told apart", () => {
  const png = encodePng(picture(20, 20, () => 255));
  const photo = jpeg.encode(
    picture(20, 20, () => 255),
    80,
  ).data;
  const flipped = Uint8Array.from(png, (byte, k) => (k === 70 ? byte ^ 255 : byte));
  const huge = Uint8Array.from(png);
  new DataView(huge.buffer).setUint32(16, 200_000);
  new DataView(huge.buffer).setUint32(20, 200_000);
  test.each([
    ["cut off", png.subarray(0, png.length - 30), "x: the PNG is damaged or cut off"],
    ["one byte wrong", flipped, "x: the PNG is damaged or cut off"],
    ["signature only", png.subarray(0, 8), "x: the PNG is damaged or cut off"],
    ["too large", huge, "x: the picture has more than 100 million pixels"],
    ["half a JPEG", photo.subarray(0, photo.length >> 1), "x: the JPEG is damaged or cut off"],
    ["nothing", new Uint8Array(0), "x: the file is empty"],
    ["words", Buffer.from("hello, this is text"), "x: this is no picture that is known here; wants PNG or JPEG"],
    ["GIF", Buffer.from("GIF89a........."), "x: this is a GIF; wants PNG or JPEG"],
    ["WebP", Buffer.from("RIFF\x10\0\0\0WEBPVP8 "), "x: this is a WebP picture"],
    ["HEIC", Buffer.from("\0\0\0\x18ftypheic"), "x: this is an AVIF or HEIC picture"],
    ["SVG", Buffer.from('<svg xmlns="http'), "x: this is an SVG"],
  ])("%s", (_, file, message) => {
    const decode = (): Picture => decodePicture(file, "x");
    expect(decode).toThrow(PictureError);
    expect(decode).toThrow(message);
  });

  test("what is not there, and folders", async () => {
    await expect(readPicture(join(directory, "none.png"))).rejects.toThrow("none.png: there is no such file");
    await expect(readPicture(directory)).rejects.toThrow("it is a folder");
    writeFileSync(join(directory, "ok.png"), png);
    expect((await readPicture(join(directory, "ok.png"))).width).toBe(20);
  });
});

test("a reduced picture has the means, weighted by alpha", () => {
  const data = Uint8Array.of(200, 0, 0, 255, 0, 100, 0, 255, 200, 0, 0, 0, 40, 60, 80, 255);
  expect(Array.from(reduced({ width: 4, height: 1, data }, 2).data)).toEqual([100, 50, 0, 255, 40, 60, 80, 128]);
  expect(reduced({ width: 4, height: 1, data }, 4).data).toBe(data);
});
