// Turns wasm-bindgen's JavaScript into a factory. What it writes for `--target web` holds one instance for the whole
// module; Gatewise has an instance for every model. Its script for `--target no-modules` is one function that can run any
// number of times: it goes, unchanged, into the body of `instantiate`.

/** The name of the one variable that the generated script declares. */
const GLOBAL = "wasm_bindgen";

/** What the binding contract in docs/architecture.md lists. */
const NAMES = ["Model", "Trainer", "machine"];

/**
 * @param {string} script What `wasm-pack build --target no-modules` wrote.
 * @returns {string} An ES module that exports `instantiate`.
 */
export function factoryModule(script) {
  if (!script.trimStart().startsWith(`let ${GLOBAL} = (function(exports) {`) || script.split(`let ${GLOBAL} =`).length !== 2) {
    throw new Error("wasm-bindgen's script does not look as expected: compare its output with scripts/wasm/glue.mjs");
  }
  return `// Written by scripts/build-wasm.mjs around the output of wasm-bindgen.

/**
 * A fresh instance of the compiled module, with a memory of its own.
 * @param {WebAssembly.Module} module
 */
export function instantiate(module) {
  // The script below would look up its own address, which it does not need.
  const document = undefined;
${script.trimEnd()}
  const { memory } = ${GLOBAL}.initSync({ module });
  const { ${NAMES.join(", ")} } = ${GLOBAL};
  return { ${NAMES.join(", ")}, memory };
}
`;
}

/**
 * @param {string} declarations What wasm-pack wrote beside the script.
 * @returns {string} Declarations of the factory's module.
 */
export function factoryDeclarations(declarations) {
  const names = NAMES.map((name) => `"${name}"`).join(" | ");
  return `// Written by scripts/build-wasm.mjs around the output of wasm-bindgen.

/** What an instance holds. */
export type Instance = Pick<typeof ${GLOBAL}, ${names}> & { readonly memory: WebAssembly.Memory };

/** A fresh instance of the compiled module, with a memory of its own. */
export declare function instantiate(module: WebAssembly.Module): Instance;

${declarations}`;
}
