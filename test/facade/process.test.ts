// The package in a process of its own: it can be required, and it keeps nothing alive that is done.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { BACKENDS, definition } from "./support.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a script from the package's root until it ends by itself; what hangs fails with the test's time-out. */
function run(flags: readonly string[], script: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...flags, "-e", script], { cwd: root });
    let output = "";
    child.stdout.on("data", (part) => (output += part));
    child.stderr.on("data", (part) => (output += part));
    child.on("close", (code) => resolve({ code, output }));
  });
}

const training = (backend: string, options: string) => `
  const model = await createModel(${JSON.stringify(definition)}, { backend: "${backend}" });
  const x = new Float32Array(16 * 10 * 3).map((_, i) => Math.sin(i));
  const targets = Array.from({ length: 16 }, (_, i) => (i % 2 ? "rising" : "falling"));
  const history = await model.fit({ x, shape: [16, 10, 3], targets }, ${options});
  console.log(history.stopped);
`;

describe.each(BACKENDS)("a process that trained on %s", (backend) => {
  const start = `const { createModel } = await import("gatewise");`;
  // Neither the model nor its streams are disposed of: that is no reason to stay.
  test.each([
    ["to the end", "{ epochs: 2 }", "finished"],
    ["until it was aborted", "{ epochs: 1e6, signal: AbortSignal.timeout(300) }", "aborted"],
    ["until it was disposed of", "{ epochs: 1e6, onProgress: () => model.dispose() }", "aborted"],
  ])("%s ends by itself", async (_how, options, stopped) => {
    const { code, output } = await run(["--input-type=module"], start + training(backend, options));
    expect({ code, output }).toEqual({ code: 0, output: `${stopped}\n` });
  });

  test("keeps no data alive that fit has copied", async () => {
    const script = `
      const model = await createModel(${JSON.stringify(definition)}, { backend: "${backend}" });
      const data = () => ({ x: new Float32Array(3e6), shape: [10_000, 100, 3], targets: new Uint32Array(10_000) });
      const held = () => process.memoryUsage().arrayBuffers;
      const stop = new AbortController();
      const onProgress = async () => {
        // What moved to a worker is freed when the worker has its turn.
        for (let turn = 0; turn < 100 && held() > 1e6; turn++) {
          gc();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        console.log(held() < 1e6 ? "nothing is held" : "bytes held: " + held());
        stop.abort();
      };
      await model.fit(data(), { validation: data(), signal: stop.signal, onProgress });
    `;
    const { code, output } = await run(["--expose-gc", "--input-type=module"], start + script);
    expect({ code, output }).toEqual({ code: 0, output: "nothing is held\n" });
  });

  test("a source takes the memory of a few of its chunks, not of all", async () => {
    // 24 chunks of 16 MB: 384 MB in all.
    const script = `
      const model = await createModel({ ...${JSON.stringify(definition)}, layers: [{ cell: "rnn", units: 2 }] }, { backend: "${backend}" });
      const [n, steps] = [1000, 1398];
      const read = async () => {
        gc();
        return { x: new Float32Array(n * steps * 3).fill(0.5), shape: [n, steps, 3], lengths: new Uint32Array(n).fill(2), targets: new Uint32Array(n) };
      };
      const source = { sizes: Array(24).fill(n), read };
      await model.fit({ sizes: [n], read }, { epochs: 1, batchSize: 500 });
      const before = process.resourceUsage().maxRSS;
      await model.fit(source, { epochs: 1, batchSize: 500 });
      const more = (process.resourceUsage().maxRSS - before) / 1024;
      // The chunk that is read ahead, and on its way into WebAssembly four copies for a moment; on top of it what the collector
      // has not come to yet.
      console.log(more < 160 ? "bounded" : "took " + more + " MB more than one chunk");
    `;
    const { code, output } = await run(["--expose-gc", "--input-type=module"], start + script);
    expect({ code, output }).toEqual({ code: 0, output: "bounded\n" });
  });

  test("the sources run as they are, with tsx", async () => {
    const script = `const { createModel } = await import("./src/entry/node.ts");` + training(backend, "{ epochs: 1 }");
    const { code, output } = await run(["--import", "tsx", "--input-type=module"], script);
    expect({ code, output }).toEqual({ code: 0, output: "finished\n" });
  });

  test("gatewise can be required", async () => {
    // Node 20 has require() of ES modules behind a flag, Node 22.12 and later without; top-level await would break both.
    const script = `
      const { createModel } = require("gatewise");
      (async () => { ${training(backend, "{ epochs: 1 }")} })();
    `;
    const { code, output } = await run(["--experimental-require-module", "--no-warnings"], script);
    expect({ code, output }).toEqual({ code: 0, output: "finished\n" });
  });
});
