// A program of its own, so that what it takes is its own: loads the model that it is given, or reads its file, and prints what that
// took. Plain JavaScript: a loader of TypeScript would take more memory than all else.

import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";

import { availableBackends, loadModel } from "gatewise";

const PIECE = 4 << 20;

/** The peak of resident memory: on Linux this process's own; `maxRSS` is also what its parent took before it started this one. */
function peak() {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

/**
 * Reads the whole file, each piece over the last, or every piece to its own place.
 * @param {string} path
 * @param {boolean} keep
 */
async function read(path, keep) {
  const file = await open(path);
  const { size } = await file.stat();
  const room = Buffer.allocUnsafeSlow(keep ? size : PIECE);
  for (let at = 0; at < size; at += PIECE) await file.read(room, keep ? at : 0, Math.min(PIECE, size - at), at);
  await file.close();
}

const [path = "", way = ""] = process.argv.slice(2);
// The addon is loaded and WebAssembly compiled before anything is measured: any model needs them.
await availableBackends();
const idleBytes = peak();
const began = performance.now();
const model = way === "native" || way === "wasm" ? await loadModel(path, { backend: way }) : await read(path, way === "keep");
const milliseconds = performance.now() - began;
console.log(JSON.stringify({ milliseconds, idleBytes, peakBytes: peak() }));
model?.dispose();
