// Turns wasm-bindgen's JavaScript into a factory. What it writes for `--target web` holds one instance for the whole
// module; Gatewise has an instance for every model. Here that module becomes the body of `instantiate`, which can run any
// number of times: exports and the asynchronous loader are cut out, the rest goes in unchanged. wasm-bindgen is pinned, and
// every cut has to be found exactly once.

/** What the binding contract in docs/architecture.md lists. */
const [CLASSES, FUNCTIONS] = [["Layer", "Loading", "Model", "Trainer"], ["machine", "readHeader", "writeHeader"]];
const NAMES = [...CLASSES, ...FUNCTIONS];

/**
 * @param {string} script What `wasm-pack build --target web` wrote.
 * @returns {string} An ES module that exports `instantiate`.
 */
export function factoryModule(script) {
  // The loader fetches the module by its own address; `instantiate` is handed the compiled module.
  let body = cut(script, "async function __wbg_load(", "function initSync(");
  body = cut(body, "let __wbg_init_promise;", "export { initSync");
  body = replace(body, "export { initSync, __wbg_init as default };", "");
  for (const name of CLASSES) body = replace(body, `export class ${name} {`, `class ${name} {`);
  for (const name of FUNCTIONS) body = replace(body, `export function ${name}(`, `function ${name}(`);
  if (/^\s*(import|export)\b|import\.meta/m.test(body)) throw unexpected("an import or export that nobody knows of");
  return `// Written by scripts/build-wasm.mjs around the output of wasm-bindgen.

/**
 * A fresh instance of the compiled module, with a memory of its own.
 * @param {WebAssembly.Module} module
 */
export function instantiate(module) {
${body.trimEnd()}

  const { memory } = initSync({ module });
  return { ${NAMES.join(", ")}, memory };
}
`;
}

/**
 * @param {string} declarations What wasm-pack wrote beside the script.
 * @returns {string} Declarations of the factory's module.
 */
export function factoryDeclarations(declarations) {
  const start = index(declarations, "export type InitInput");
  let body = declarations.slice(0, start);
  for (const name of CLASSES) body = replace(body, `export class ${name} {`, `declare class ${name} {`);
  for (const name of FUNCTIONS) body = replace(body, `export function ${name}(`, `declare function ${name}(`);
  const members = NAMES.map((name) => `  readonly ${name}: typeof ${name};`).join("\n");
  return `// Written by scripts/build-wasm.mjs around the output of wasm-bindgen.

/** What an instance holds. */
export interface Instance {
${members}
  readonly memory: WebAssembly.Memory;
}

/** A fresh instance of the compiled module, with a memory of its own. */
export declare function instantiate(module: WebAssembly.Module): Instance;

// Nothing else is exported: the classes are those of an instance.
export {};

${body.trimEnd()}
`;
}

/**
 * @param {string} text
 * @param {string} from What the cut begins with.
 * @param {string} to What stays, right after it.
 */
function cut(text, from, to) {
  const [start, end] = [index(text, from), index(text, to)];
  if (start > end) throw unexpected(`${from} after ${to}`);
  return text.slice(0, start) + text.slice(end);
}

/**
 * @param {string} text
 * @param {string} from
 * @param {string} to
 */
function replace(text, from, to) {
  const start = index(text, from);
  return text.slice(0, start) + to + text.slice(start + from.length);
}

/**
 * @param {string} text
 * @param {string} part
 * @returns {number} Where the part is, which is there once.
 */
function index(text, part) {
  const start = text.indexOf(part);
  if (start < 0 || text.includes(part, start + 1)) throw unexpected(`${start < 0 ? "no" : "more than one"} \`${part}\``);
  return start;
}

/** @param {string} what */
function unexpected(what) {
  return new Error(`wasm-bindgen's output has ${what}: compare it with scripts/wasm/glue.mjs`);
}
