// The orders demo as its users run it: a process of its own, from the options to the files that it writes.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadModel } from "gatewise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readInvoices } from "../../examples/orders/invoices.js";
import { type Label } from "../../examples/orders/sequences.js";
import { splitSamples, TEST_CUT_OFF } from "../../examples/orders/split.js";

interface Summary {
  backend: string;
  isa: string;
  threads: number;
  seconds: number;
  epochs: number;
  losses: number[];
  test: { accuracy: number; balancedAccuracy: number; auc: number; f1: number };
  baselines: { majority: { accuracy: number }; logistic: { accuracy: number; auc: number } };
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const command = ["--import", "tsx", "examples/orders/demo.ts"];
const output = mkdtempSync(join(tmpdir(), "orders-demo-"));
afterAll(() => rmSync(output, { recursive: true }));

function demo(...options: string[]) {
  return spawnSync(process.execPath, [...command, "--output", output, ...options], { cwd: root, encoding: "utf8" });
}

function summaryOf(run: ReturnType<typeof demo>): Summary {
  expect(run.stderr).toBe("");
  expect(run.status).toBe(0);
  return JSON.parse(run.stdout.trimEnd().split("\n").at(-1) ?? "") as Summary;
}

describe("on the native backend", () => {
  let run: ReturnType<typeof demo>;
  let summary: Summary;
  beforeAll(() => {
    run = demo("--backend", "native", "--json");
    summary = summaryOf(run);
  }, 120_000);

  test("names what ran", () => {
    expect(summary).toMatchObject({ backend: "native", epochs: 10, isa: expect.any(String) as string });
    expect(summary.threads).toBeGreaterThanOrEqual(1);
    expect(summary.seconds).toBeGreaterThan(0);
    expect(run.stdout).toContain(`Backend native, instruction set ${summary.isa}, threads ${summary.threads}`);
  });

  test("learns: the losses begin near that of guessing and go down", () => {
    expect(summary.losses).toHaveLength(20);
    expect(Math.abs((summary.losses[0] ?? NaN) - Math.LN2)).toBeLessThan(0.15);
    const mean = (values: number[]) => values.reduce((total, value) => total + value, 0) / values.length;
    expect(mean(summary.losses.slice(10))).toBeLessThan(mean(summary.losses.slice(0, 10)));
  });

  test("ranks the test's customers as well as PyTorch does", () => {
    // PyTorch 2.15 with the same data, model, initialisation and settings, five seeds: AUC 0.725 to 0.735, accuracy 64.7 to
    // 65.8 %.
    expect(summary.test.auc).toBeGreaterThan(0.71);
    expect(summary.test.accuracy).toBeGreaterThan(summary.baselines.majority.accuracy + 0.05);
    // An AUC far above what anyone reaches here would be a leak.
    expect(summary.test.auc).toBeLessThan(0.78);
  });

  test("has the baselines that an independent fit gives", () => {
    // NumPy, Newton's method in float64 on the same three features and the same training rows.
    expect(summary.baselines.majority.accuracy).toBeCloseTo(0.5576, 4);
    expect(summary.baselines.logistic.accuracy).toBeCloseTo(0.6744, 3);
    expect(summary.baselines.logistic.auc).toBeCloseTo(0.7385, 3);
  });

  test("reads the saved model back and names one customer's class", () => {
    expect(run.stdout).toMatch(/customer \d+ \(.*\) is (lapsed|returning) with \d+\.\d %; in truth (lapsed|returning)/);
  });

  test("the file holds the trained model, and how raw invoices become what it reads", async () => {
    const model = await loadModel<Label>(join(output, "orders.safetensors"), { backend: "native" });
    const rows = await readInvoices(join(root, "examples/orders/data/invoices.csv.gz"));
    const report = await model.evaluate(splitSamples(rows).test);
    // What was fitted is in the file: raw invoices come to the same.
    const ofRows = await model.evaluate({ rows, cutOffs: TEST_CUT_OFF });
    model.dispose();
    // The demo's figures come from `gatewise/metrics`, the report's from the core: sums in another order.
    for (const name of ["accuracy", "balancedAccuracy", "auc", "f1"] as const)
      expect(report[name]).toBeCloseTo(summary.test[name], 12);
    expect(ofRows).toEqual(report);
  });

  test("writes the model and the picture", () => {
    const model = readFileSync(join(output, "orders.safetensors"));
    const header = JSON.parse(model.subarray(8, 8 + Number(model.readBigUInt64LE())).toString("utf8")) as Record<
      string,
      { shape?: number[] }
    >;
    expect(header["layers.0.weight_ih_l0"]?.shape).toEqual([128, 8]);
    const svg = readFileSync(join(output, "orders.svg"), "utf8");
    for (const text of ["step", "cross-entropy loss (nats)", "false positive rate", "true positive rate"])
      expect(svg).toContain(`>${text}</text>`);
    expect(svg).not.toContain("NaN");
    // The example's own area under the curve that it draws, and the library's report.
    expect(svg).toContain(`LSTM, AUC ${summary.test.auc.toFixed(3)}`);
  });

  test("stops cleanly at Ctrl-C", { timeout: 60_000 }, async () => {
    const child = spawn(
      process.execPath,
      [...command, "--output", join(output, "aborted"), "--backend", "native", "--epochs", "100000"],
      { cwd: root },
    );
    let printed = "";
    let interrupted = false;
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      if (interrupted || !printed.includes("Backend")) return; // named just before training begins
      interrupted = true;
      setTimeout(() => child.kill("SIGINT"), 500);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(printed).toContain("Stopped before the end");
    expect(code).toBe(130);
  });

  test("agrees with WebAssembly", { timeout: 240_000 }, () => {
    const portable = summaryOf(demo("--backend", "wasm", "--json"));
    expect(portable.backend).toBe("wasm");
    // Rounding differs in the seventh digit a step; twenty steps of Adam let it grow a little.
    const deviations = summary.losses.map((loss, step) => Math.abs((portable.losses[step] ?? NaN) / loss - 1));
    expect(Math.max(...deviations)).toBeLessThan(1e-4);
    expect(Math.abs(portable.test.auc - summary.test.auc)).toBeLessThan(0.01);
  });
});

describe("wrong options", () => {
  test.each([
    [["--backend", "gpu"], '--backend must be one of auto, native, wasm, not "gpu"'],
    [["--epochs", "0"], '--epochs must be a whole number from 1 on, not "0"'],
    [["--threads", "two"], '--threads must be a whole number from 1 on, not "two"'],
    [["--data", "nowhere.csv"], "--data: there is no file nowhere.csv"],
    [["--colour"], "--colour"],
    [["customers.csv"], "customers.csv"],
  ])("%j end with code 2 and say why", (options, reason) => {
    const { status, stderr } = demo(...options);
    expect(status).toBe(2);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain("    at ");
  });

  test("so does a file that holds no invoices", () => {
    const file = join(output, "wrong.csv");
    writeFileSync(file, "name,age\nAda,36\n");
    const { status, stderr } = demo("--data", file);
    expect(status).toBe(2);
    expect(stderr).toContain("--data: ");
    expect(stderr).toContain('no column "customer"');
  });

  test("--help lists them", () => {
    const { status, stdout } = demo("--help");
    expect(status).toBe(0);
    for (const option of ["--backend", "--threads", "--epochs", "--data", "--output", "--json"])
      expect(stdout).toContain(option);
  });
});
