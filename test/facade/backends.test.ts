// Which backend runs, why, and what a caller is told where it is not there.

import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { type availableBackends, createModel } from "gatewise";
import * as gatewise from "gatewise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { BACKENDS, definition, expectError } from "./support.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

describe("here", () => {
  test("both backends are there, the faster first", async () => {
    const backends = await gatewise.availableBackends();
    expect(backends.map(({ name, available }) => ({ name, available }))).toEqual([
      { name: "native", available: true },
      { name: "wasm", available: true },
    ]);
    for (const { isa, threads, reason } of backends) {
      expect(isa?.length).toBeGreaterThan(0);
      expect(threads).toBeGreaterThan(0);
      expect(reason.length).toBeGreaterThan(10);
    }
  });

  test("auto takes the native one and says why", async () => {
    using model = await createModel(definition);
    expect(model.backend.name).toBe("native");
    expect(model.backend.reason).toContain("fastest");
  });

  test.each(BACKENDS)("%s runs when it is asked for", async (backend) => {
    using model = await createModel(definition, { backend, threads: 1 });
    expect(model.backend).toMatchObject({ name: backend, threads: 1, reason: `"${backend}" was asked for` });
  });

  test("native runs on the threads that it is given", async () => {
    using model = await createModel(definition, { backend: "native", threads: 2 });
    expect(model.backend.threads).toBe(2);
  });

  test("wasm refuses threads that it has not", async () => {
    const error = await expectError(
      () => createModel(definition, { backend: "wasm", threads: 2 }),
      "invalid_option",
      "options.threads",
    );
    expect(error.message).toContain("1 thread");
  });

  test("a name that is none", async () => {
    const error = await expectError(
      () => createModel(definition, { backend: "cuda" as "wasm" }),
      "invalid_option",
      "options.backend",
    );
    expect(error.message).toContain('"cuda"');
  });
});

/** What a copy of the package with only some of its bindings says, in a process of its own. */
interface Found {
  backends: Awaited<ReturnType<typeof availableBackends>>;
  auto: Outcome;
  native: Outcome;
  wasm: Outcome;
}
type Outcome = { name: string; threads: number; reason: string } | { code: string; path: string; message: string };

const script = `
  const { availableBackends, createModel, defineModel } = await import("gatewise");
  const definition = defineModel(${JSON.stringify(definition)});
  const outcome = (options) => createModel(definition, options).then(
    ({ backend: { name, threads, reason } }) => ({ name, threads, reason }),
    ({ code, path, message }) => ({ code, path, message }),
  );
  const backends = await availableBackends();
  const auto = await outcome({ threads: 2 });
  const native = await outcome({ backend: "native" });
  const wasm = await outcome({ backend: "wasm" });
  console.log(JSON.stringify({ backends, auto, native, wasm }));
`;

describe("an instruction set that is forced", () => {
  function withInstructionSet(isa: string): Found {
    const env = { ...process.env, GATEWISE_ISA: isa };
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd: root, env });
    return JSON.parse(stdout.toString()) as Found;
  }

  test("it runs, and the backend says so", () => {
    const { backends } = withInstructionSet("portable");
    expect(backends[0]).toMatchObject({ name: "native", available: true, isa: "portable" });
  });

  test("one that is not there is refused, and no other backend takes its place", () => {
    const { backends, auto, native } = withInstructionSet("mmx");
    const refused = { code: "backend_unavailable", path: "GATEWISE_ISA", message: expect.stringContaining("portable") };
    expect([auto, native]).toMatchObject([refused, refused]);
    expect(backends[0]).toMatchObject({ name: "native", available: false, reason: expect.stringContaining('"mmx"') });
  });
});

describe("where a backend is missing", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatewise-backends-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function packageWith(name: string, parts: readonly string[]): Promise<Found> {
    const copy = join(folder, name);
    for (const part of ["package.json", "dist", ...parts]) {
      await mkdir(dirname(join(copy, part)), { recursive: true });
      await cp(join(root, part), join(copy, part), { recursive: true });
    }
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd: copy });
    expect(stderr.toString()).toBe("");
    return JSON.parse(stdout.toString()) as Found;
  }

  test("no native addon: auto falls back and says so, native names the reason and the remedy", async () => {
    const { backends, auto, native, wasm } = await packageWith("no-native", ["bindings/wasm/pkg"]);
    expect(backends).toMatchObject([
      { name: "native", available: false, reason: expect.stringContaining("npm run build:native") },
      { name: "wasm", available: true },
    ]);
    // The threads that were asked for are no reason to have no model.
    expect(auto).toMatchObject({ name: "wasm", threads: 1, reason: expect.stringContaining("native backend is not available") });
    expect(native).toMatchObject({
      code: "backend_unavailable",
      path: "options.backend",
      message: expect.stringMatching(/bindings\/node.*npm run build:native/s),
    });
    expect(wasm).toMatchObject({ name: "wasm" });
  });

  test("no addon for this platform: what could not be loaded is named, not npm's troubles", async () => {
    const { native } = await packageWith("other-platform", ["bindings/node/index.js"]);
    expect(native).toMatchObject({ message: expect.stringMatching(/\(Cannot find module '.*gatewise.*\.node'/) });
  });

  test("no WebAssembly: native runs all the same", async () => {
    const addon = ["bindings/node"];
    const { auto, wasm } = await packageWith("no-wasm", addon);
    expect(auto).toMatchObject({ name: "native", threads: 2 });
    expect(wasm).toMatchObject({
      code: "backend_unavailable",
      path: "options.backend",
      message: expect.stringMatching(/bindings\/wasm.*npm run build:wasm/s),
    });
  });

  test("neither: the error names both and what would help", async () => {
    const { auto } = await packageWith("neither", []);
    expect(auto).toMatchObject({
      code: "backend_unavailable",
      path: "options.backend",
      message: expect.stringMatching(/npm run build:native.*npm run build:wasm/s),
    });
  });
});
