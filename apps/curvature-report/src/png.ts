/** Grey images as PNG, for pages that load nothing. */

import { crc32, deflateSync } from "node:zlib";

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * A data URI of an 8-bit grey image.
 *
 * @param values - Grey values in [0, 1], row after row; 0 is black.
 * Source: the PNG specification, ISO/IEC 15948.
 */
export function greyPng(values: Float32Array, width: number): string {
  const height = values.length / width;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits of a sample; the colour type, 0, is grey
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++) {
    // Each row begins with the number of its filter: 0, none.
    for (let x = 0; x < width; x++) rows[y * (width + 1) + x + 1] = Math.round(255 * values[y * width + x]);
  }
  const file = Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${file.toString("base64")}`;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
