// Pictures of a page have few colors: with a palette of 256 they take a third of the bytes, and look the same.
import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * Encodes a screenshot anew, with a palette.
 * @param page any page of the browser that took it: it decodes the picture
 */
export async function withPalette(page, png) {
  const { width, height, palette, indexes } = await page.evaluate(reduceColors, png.toString("base64"));
  const pixels = Buffer.from(indexes, "base64");
  const rows = Buffer.alloc(height * (width + 1)); // before each row the kind of its filter: none
  for (let y = 0; y < height; y++) pixels.copy(rows, y * (width + 1) + 1, y * width, (y + 1) * width);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8); // 8 bits a pixel, palette, deflate, no interlacing
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette.flat())),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), frame.length - 4);
  return frame;
}

/** Runs in the page: the colors that are used most, and for each pixel the nearest of them. */
async function reduceColors(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const colors = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const color of colors) counts.set(color, (counts.get(color) ?? 0) + 1);
  const channels = (color) => [color & 255, (color >> 8) & 255, (color >> 16) & 255];
  // Of colors that nobody can tell apart the most frequent one stands for all.
  const chosen = [];
  const isNew = (color) => chosen.every((other) => distance(channels(color), channels(other)) > 60);
  for (const [color] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (chosen.length === 256) break;
    if (chosen.length < 64 || isNew(color)) chosen.push(color);
  }
  const palette = chosen.map(channels);
  const nearest = new Map();
  for (const color of counts.keys()) {
    const wanted = channels(color);
    let best = 0;
    for (let index = 1; index < palette.length; index++) {
      if (distance(wanted, palette[index]) < distance(wanted, palette[best])) best = index;
    }
    nearest.set(color, best);
  }
  const indexes = Uint8Array.from(colors, (color) => nearest.get(color));
  let text = "";
  for (let at = 0; at < indexes.length; at += 32_768) {
    text += String.fromCharCode(...indexes.subarray(at, at + 32_768));
  }
  return { width, height, palette, indexes: btoa(text) };

  function distance(a, b) {
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
  }
}
