// Whether something has to be built again. A stamp holds a hash of the inputs' contents, and of every output its size and
// time: it holds for exactly the files that the build left, so one that is missing or was replaced means "again".

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { root, stamps } from "./places.mjs";

/**
 * @typedef {object} Build
 * @property {string} name
 * @property {readonly string[]} inputs Files and folders, relative to the project.
 * @property {unknown} settings Whatever else the result depends on.
 * @property {() => readonly string[]} outputs Files that the build leaves, relative to the project.
 */

/**
 * @param {Build} build
 * @returns {boolean}
 */
export function isUpToDate(build) {
  try {
    return readFileSync(stampFile(build), "utf8") === stampOf(build);
  } catch {
    // No stamp, or an input or output that is not there.
    return false;
  }
}

/**
 * Notes that the outputs are those of the inputs.
 * @param {Build} build
 */
export function stamp(build) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stampFile(build), stampOf(build));
}

/** @param {Build} build */
function stampFile(build) {
  return join(stamps, `${build.name}.json`);
}

/** @param {Build} build */
function stampOf(build) {
  const hash = createHash("sha256").update(JSON.stringify([process.platform, process.arch, build.settings]));
  for (const file of build.inputs.flatMap(filesIn).sort()) {
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  }
  const outputs = build.outputs().map((file) => {
    const { size, mtimeMs } = statSync(join(root, file));
    return { file, size, mtimeMs };
  });
  return JSON.stringify({ inputs: hash.digest("hex"), outputs }, undefined, 2);
}

/**
 * Every file of a folder and of the folders in it.
 * @param {string} path A file or folder, relative to the project.
 * @returns {string[]}
 */
export function filesIn(path) {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => filesIn(`${path}/${name}`));
}
