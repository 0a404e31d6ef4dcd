/** Pictures in files: PNG and JPEG are read, PNG is written. */

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { orientationOf, upright } from "./orientation.js";
import { hasAlpha, type Picture } from "./picture.js";

/** A file that is no picture which can be read; the message says which file, and why. */
export class PictureError extends Error {
  override readonly name = "PictureError";
}

/** A picture of more pixels would need gigabytes. */
export const mostPixels = 100e6;

/**
 * Reads a PNG of any kind (1 to 16 bits, grey, colour, palette, interlaced) or a JPEG (baseline or progressive; turned as its EXIF
 * orientation says). Colours are taken to be sRGB: embedded profiles are not applied.
 *
 * @throws PictureError
 */
export async function readPicture(path: string): Promise<Picture> {
  const name = basename(path);
  const file = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === "ENOENT" ? "there is no such file" : error.code === "EISDIR" ? "it is a folder" : error.message; // prettier-ignore
    throw new PictureError(`${name}: ${why}`);
  });
  return decodePicture(file, name);
}

/**
 * @param name - Of the file, for messages.
 * @throws PictureError
 */
export function decodePicture(file: Uint8Array, name: string): Picture {
  const format = formatOf(file);
  if (format === "PNG") return decodePng(file, name);
  if (format === "JPEG") return decodeJpeg(file, name);
  if (file.length === 0) throw new PictureError(`${name}: the file is empty`);
  throw new PictureError(`${name}: this is ${format ?? "no picture that is known here"}; wants PNG or JPEG`);
}

/** The picture as PNG, with alpha if it has any. The same picture gives the same bytes. */
export function encodePng(picture: Picture): Uint8Array {
  const { width, height, data } = picture;
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return PNG.sync.write(png, { colorType: hasAlpha(picture) ? 6 : 2 });
}

/** The picture as a PNG in a data URI, for pages that load nothing. */
export function dataUri(picture: Picture): string {
  return `data:image/png;base64,${Buffer.from(encodePng(picture)).toString("base64")}`;
}

function decodePng(file: Uint8Array, name: string): Picture {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  // Width and height stand in the first chunk: what is too large is refused before it is unpacked.
  if (file.length >= 24) checkSize(view.getUint32(16), view.getUint32(20), name);
  let png: PNG;
  try {
    png = PNG.sync.read(Buffer.from(file));
  } catch (error) {
    throw new PictureError(`${name}: the PNG is damaged or cut off (${reasonOf(error)})`);
  }
  return { width: png.width, height: png.height, data: Uint8Array.from(png.data) };
}

function decodeJpeg(file: Uint8Array, name: string): Picture {
  let decoded: { width: number; height: number; data: Uint8Array; exifBuffer?: Uint8Array };
  try {
    decoded = jpeg.decode(file, { useTArray: true, maxResolutionInMP: mostPixels / 1e6, maxMemoryUsageInMB: 4096 });
  } catch (error) {
    if (/limit exceeded/.test(reasonOf(error))) throw tooLarge(name);
    throw new PictureError(`${name}: the JPEG is damaged or cut off (${reasonOf(error)})`);
  }
  const { width, height, data, exifBuffer } = decoded;
  checkSize(width, height, name);
  return upright({ width, height, data }, exifBuffer === undefined ? 1 : orientationOf(exifBuffer));
}

function checkSize(width: number, height: number, name: string): void {
  if (width * height > mostPixels) throw tooLarge(name);
  if (width === 0 || height === 0) throw new PictureError(`${name}: the picture is ${width} × ${height} pixels`);
}

function tooLarge(name: string): PictureError {
  return new PictureError(`${name}: the picture has more than ${mostPixels / 1e6} million pixels`);
}

/** jpeg-js throws strings, too. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a file is, by its first bytes. */
function formatOf(file: Uint8Array): string | null {
  const start = Buffer.from(file.subarray(0, 16)).toString("latin1");
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "PNG";
  if (start.startsWith("\xff\xd8\xff")) return "JPEG";
  if (start.startsWith("GIF8")) return "a GIF";
  if (start.startsWith("RIFF") && start.includes("WEBP")) return "a WebP picture";
  if (/^....ftyp(avi|hei|mif)/s.test(start)) return "an AVIF or HEIC picture";
  if (start.startsWith("II*\0") || start.startsWith("MM\0*")) return "a TIFF";
  if (start.startsWith("BM")) return "a BMP";
  if (/^\s*<(svg|\?xml)/.test(start)) return "an SVG";
  return null;
}
