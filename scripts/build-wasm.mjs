// `npm run build:wasm`: compiles bindings/wasm into bindings/wasm/pkg, which holds exactly what is published: the module,
// its glue and the glue's types. Set-up brings the tools; this only uses them.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { root } from "./setup/places.mjs";
import { Problem } from "./setup/problem.mjs";
import { compilerHasTarget } from "./setup/rust-target.mjs";
import { which } from "./setup/commands.mjs";
import { factoryDeclarations, factoryModule } from "./wasm/glue.mjs";
import { TARGET, findSystemToolchain } from "./wasm/system-toolchain.mjs";
import { findWasmBindgen, findWasmPack } from "./wasm/tools.mjs";

const OUT = join(root, "bindings", "wasm", "pkg");
/** wasm-pack writes more than is published, so it writes elsewhere. */
const scratch = mkdtempSync(join(tmpdir(), "gatewise-wasm-"));

try {
  const { wasmPack, env } = findTools();
  const options = ["--target", "web", "--release", "--no-pack", "--mode", "no-install"];
  const args = ["build", "bindings/wasm", ...options, "--out-dir", scratch, "--out-name", "gatewise"];
  const { status } = spawnSync(wasmPack, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Problem("wasm-pack failed: its own message is above.");
  publish();
  await tryInstances();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** @returns {{ wasmPack: string, env: NodeJS.ProcessEnv }} */
function findTools() {
  const toolchain = compilerHasTarget(TARGET) ? undefined : findSystemToolchain();
  const [wasmPack, wasmBindgen] = [findWasmPack(), findWasmBindgen()];
  const npmPrograms = join(root, "node_modules", ".bin");
  // Without wasm-opt wasm-pack would leave the module as it is and say little.
  const complete = (toolchain || compilerHasTarget(TARGET)) && which("wasm-opt", npmPrograms);
  if (!wasmPack || !wasmBindgen || !complete) throw new Problem("Tools for WebAssembly are missing. Bring them:", "node scripts/setup.mjs test");

  const path = [toolchain?.bin, dirname(wasmBindgen), npmPrograms, process.env["PATH"]].filter(Boolean).join(delimiter);
  const flags = [process.env["RUSTFLAGS"], "-C target-feature=+simd128"].filter(Boolean).join(" ");
  const own = toolchain && { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: toolchain.linker, CARGO_TARGET_DIR: toolchain.target };
  return { wasmPack, env: { ...process.env, PATH: path, RUSTFLAGS: flags, ...own } };
}

function publish() {
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  copyFileSync(join(scratch, "gatewise_bg.wasm"), join(OUT, "gatewise_bg.wasm"));
  writeFileSync(join(OUT, "gatewise.js"), factoryModule(readFileSync(join(scratch, "gatewise.js"), "utf8")));
  writeFileSync(join(OUT, "gatewise.d.ts"), factoryDeclarations(readFileSync(join(scratch, "gatewise.d.ts"), "utf8")));
}

/** Runs what was built: two instances, each with its own memory and its own classes. */
async function tryInstances() {
  /** @type {{ instantiate: (module: WebAssembly.Module) => { machine(): string, memory: WebAssembly.Memory, Model: unknown, Trainer: unknown } }} */
  const { instantiate } = await import(pathToFileURL(join(OUT, "gatewise.js")).href);
  const module = new WebAssembly.Module(readFileSync(join(OUT, "gatewise_bg.wasm")));
  const [one, other] = [instantiate(module), instantiate(module)];
  const separate = one.memory !== other.memory && one.Model !== other.Model && one.Trainer !== other.Trainer;
  if (!separate) throw new Error("two instances share what each should have for itself: see scripts/wasm/glue.mjs");
  const { isa } = JSON.parse(one.machine());
  console.log(`built ${OUT}; it runs here with ${isa}`);
}
