// Each command as its users run it, on small data.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { loadModel } from "gatewise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { SPEAKERS, SPENDING, VOWELS, gatewise, newFolder, writeConfig, writeSpending } from "./support.js";

const folder = newFolder();
afterAll(() => rmSync(folder, { recursive: true }));

/** What the model's scaler of its one feature has seen: the mean. */
async function scalerMean(path: string): Promise<number> {
  const model = await loadModel(join(folder, path));
  const [scaler] = model.preprocessing?.features[0]?.scalers ?? [];
  model.dispose();
  return scaler && "centre" in scaler ? scaler.centre : Number.NaN;
}

/** The mean of what was spent, over the rows that count. */
function meanSpent(counts: (customer: string, day: string) => boolean): number {
  const rows = readFileSync(join(folder, "spending.csv"), "utf8").trimEnd().split("\n").slice(1).map((line) => line.split(","));
  const spent = rows.filter(([customer = "", day = ""]) => counts(customer, day)).map(([, , value]) => Number(value));
  return spent.reduce((a, b) => a + b, 0) / spent.length;
}

const json = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));

describe("a table and its pipeline", () => {
  let trained: Awaited<ReturnType<typeof gatewise>>;
  beforeAll(async () => {
    writeSpending(folder);
    writeConfig(folder, SPENDING);
    trained = await gatewise(["train", "--json"], folder);
  });

  test("train writes the model, its history and its report, and tells them as one document", () => {
    expect(trained.code).toBe(0);
    const document = JSON.parse(trained.stdout);
    expect(document).toMatchObject({
      stopped: "finished",
      steps: 30 * 5,
      files: { checkpoint: join("results", "checkpoint.safetensors"), model: join("results", "model.safetensors"), history: join("results", "history.json"), report: join("results", "report.json") },
    });
    expect(document.report).toEqual(json("results/report.json"));
    expect(document.report).toMatchObject({ samples: 12, accuracy: 1 });
    expect(json("results/history.json").epochs).toHaveLength(30);
    // No terminal: plain lines.
    expect(trained.stderr).toMatch(/^training 100 % epoch 30 of 30, loss [\d.e-]+, validation [\d.e-]+, accuracy 1$/m);
    expect(trained.stderr).not.toContain("\u001B");
  });

  test("the pipeline is in the model", async () => {
    const model = await loadModel(join(folder, "results/model.safetensors"));
    expect(model.definition).toMatchObject({ input: { features: 1 }, output: { classes: ["falling", "rising"] } });
    expect(model.preprocessing?.definition.group).toBe("customer");
    model.dispose();
  });

  test("evaluate gives the same figures, of the test part and of a file", async () => {
    const part = await gatewise(["evaluate", "results/model.safetensors", "--json"], folder);
    expect(JSON.parse(part.stdout)).toEqual(json("results/report.json"));
    const file = await gatewise(["evaluate", "results/model.safetensors", "spending.csv"], folder);
    expect(file).toMatchObject({ code: 0, stdout: expect.stringMatching(/^On the spending.csv\n {2}samples +60\n/) });
  });

  test("predict gives a row for each group, as CSV, JSON lines or JSON", async () => {
    const csv = await gatewise(["predict", "results/model.safetensors", "spending.csv"], folder);
    const lines = csv.stdout.trimEnd().split("\n");
    expect(lines[0]).toBe("group,time,label,p(falling),p(rising)");
    expect(lines).toHaveLength(61);
    expect(lines[2]).toMatch(/^c1,2024-05-10T00:00:00.000Z,rising,0\.\d+(e-\d+)?,0\.\d+$/);
    const jsonl = await gatewise(["predict", "results/model.safetensors", "spending.csv", "--format", "jsonl", "--output", "p.jsonl"], folder);
    expect(jsonl).toEqual({ code: 0, stdout: "", stderr: "60 predictions in p.jsonl\n" });
    const records = readFileSync(join(folder, "p.jsonl"), "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
    expect(records[1]).toMatchObject({ group: "c1", label: "rising" });
    const one = await gatewise(["predict", "results/model.safetensors", "spending.csv", "--json"], folder);
    expect(JSON.parse(one.stdout)).toEqual(records);
  });

  test("inspect tells layers, definition, preprocessing and tensors", async () => {
    const { stdout } = await gatewise(["inspect", "results/model.safetensors"], folder);
    for (const part of ["layers.0: gru", '"units": 8', '"group": "customer"', "layers.0.weight_ih_l0  [24, 1]"]) expect(stdout).toContain(part);
    const document = JSON.parse((await gatewise(["inspect", "results/model.safetensors", "--json"], folder)).stdout);
    expect(Object.keys(document)).toEqual(["definition", "preprocessing", "tensors"]);
    for (const { mean, deviation, least, largest, notFinite } of document.tensors) {
      expect(mean).toBeGreaterThanOrEqual(least);
      expect(mean).toBeLessThanOrEqual(largest);
      expect(deviation).toBeLessThanOrEqual(largest - least);
      expect(notFinite).toBe(0);
    }
  });

  test("splits in time and by group hold out what they say", async () => {
    // Forecasts: the last value of each customer's days, from those before.
    const features = [{ column: "spent", scale: "standard" }];
    const pipeline = { time: "day", group: "customer", features, window: { size: 4, minimum: 4 }, target: { values: "spent" } };
    const base = { ...SPENDING, data: { file: "spending.csv", pipeline }, training: { epochs: 1 } };
    writeConfig(folder, { ...base, split: { by: "time", validation: "2024-05-06", test: "2024-05-08" }, output: "time" }, "time.json");
    expect((await gatewise(["train", "--config", "time.json"], folder)).code).toBe(0);
    // Of the ten days of 60 customers: windows that end on the 8th and 9th, with the day after as target.
    expect(json("time/report.json").samples).toBe(2 * 60);
    // It has seen the rows before the first sample that is held out ends: five days, of which the last is a target alone.
    expect(await scalerMean("time/model.safetensors")).toBeCloseTo(meanSpent((_, day) => day < "2024-05-05"), 9);
    writeConfig(folder, { ...base, split: { by: "group", test: ["c1", "c2"] }, output: "group" }, "group.json");
    expect((await gatewise(["train", "--config", "group.json"], folder)).code).toBe(0);
    expect(json("group/report.json").samples).toBe(2 * 6);
    expect(await scalerMean("group/model.safetensors")).toBeCloseTo(meanSpent((customer, day) => !["c1", "c2"].includes(customer) && day < "2024-05-10"), 9);
  });
});

describe("a common set", () => {
  test("is trained, evaluated, predicted and compared", async () => {
    writeConfig(folder, { ...SPEAKERS, output: "speakers", comparison: { entrants: ["majority", "logistic"] } }, "speakers.json");
    const config = ["--config", "speakers.json"];
    const trained = await gatewise(["train", ...config, "--json"], folder);
    expect(JSON.parse(trained.stdout).report).toMatchObject({ samples: 370 });
    expect(JSON.parse(trained.stdout).report.accuracy).toBeGreaterThan(0.9);
    const evaluated = await gatewise(["evaluate", "speakers/model.safetensors", VOWELS("TEST"), "--json"], folder);
    expect(JSON.parse(evaluated.stdout)).toEqual(JSON.parse(trained.stdout).report);
    const predicted = await gatewise(["predict", "speakers/model.safetensors", VOWELS("TEST")], folder);
    expect(predicted.stdout.split("\n")[0]).toMatch(/^sample,label,p\(1\),/);
    expect(predicted.stdout.trimEnd().split("\n")).toHaveLength(371);
    const compared = await gatewise(["compare", ...config, "--json"], folder);
    expect(compared.code).toBe(0);
    expect(JSON.parse(compared.stdout)).toEqual(json("speakers/comparison.json"));
    expect(JSON.parse(compared.stdout).entrants.map(({ name }: { name: string }) => name)).toEqual(["majority class", "logistic regression"]);
    expect(readFileSync(join(folder, "speakers/comparison.html"), "utf8")).toMatch(/^<!doctype html>/i);
  });
});

describe("tune", () => {
  const tuning = { space: { units: { integer: [4, 16] }, cell: { choice: ["lstm", "gru"] } }, budget: { trials: 4, epochs: 3 }, objective: "accuracy" };

  test("writes the trials, a picture and a winner that train takes", async () => {
    writeConfig(folder, { ...SPEAKERS, output: "tuned", tuning }, "tune.json");
    const tuned = await gatewise(["tune", "--config", "tune.json", "--json"], folder);
    expect(tuned.code).toBe(0);
    const { best, files } = JSON.parse(tuned.stdout);
    expect(files).toEqual({ trials: join("tuned", "tuning.json"), best: join("tuned", "best.json"), picture: join("tuned", "tuning.svg") });
    expect(json("tuned/tuning.json").trials).toHaveLength(4);
    const { definition, training } = json("tuned/best.json");
    expect({ definition, training }).toEqual({ definition: best.definition, training: best.options });
    writeConfig(folder, { ...SPEAKERS, definition, training, output: "tuned" }, "best.json");
    const trained = await gatewise(["train", "--config", "best.json", "--json"], folder);
    expect(JSON.parse(trained.stdout).last.validation).toMatchObject(best.rungs.at(-1).curves[0].at(-1).validation);
  });

  test("Ctrl-C keeps what is done, and the same command goes on from there to the same winner", async () => {
    const search = { ...tuning, search: "random", budget: { trials: 6, epochs: 60 } };
    writeConfig(folder, { ...SPEAKERS, output: "whole", tuning: search }, "whole.json");
    writeConfig(folder, { ...SPEAKERS, output: "cut", tuning: search }, "cut.json");
    const journal = join(folder, "cut/tuning.jsonl");
    const lines = () => (existsSync(journal) ? readFileSync(journal, "utf8").split("\n").length - 1 : 0);
    let stopped = false;
    const cut = await gatewise(["tune", "--config", "cut.json", "--workers", "1", "--json"], folder, (_stderr, kill) => {
      const watch = setInterval(() => {
        if (stopped || lines() < 2) return;
        stopped = true;
        clearInterval(watch);
        kill("SIGINT");
      }, 5);
    });
    expect(cut.code).toBe(130);
    expect(cut.stderr).toContain("the same command goes on from there");
    const done = lines();
    expect(JSON.parse(cut.stdout)).toMatchObject({ stopped: "aborted", trials: done - 1 });
    expect(done).toBeLessThan(7);
    const resumed = await gatewise(["tune", "--config", "cut.json", "--json"], folder);
    const whole = await gatewise(["tune", "--config", "whole.json", "--json"], folder);
    const winner = ({ stdout }: { stdout: string }) => {
      const { number, parameters, value, definition } = JSON.parse(stdout).best;
      return { number, parameters, value, definition };
    };
    expect(winner(resumed)).toEqual(winner(whole));
    expect(lines()).toBe(7);
  });
});

test("doctor says what runs here", async () => {
  const { code, stdout } = await gatewise(["doctor", "--json"], folder);
  expect(code).toBe(0);
  const { backends, chosen, node, optional } = JSON.parse(stdout);
  expect(node).toEqual({ version: process.versions.node, supported: true });
  expect(chosen).toBe("native");
  for (const backend of backends) expect(backend).toMatchObject({ available: true, instructionSets: expect.arrayContaining([backend.isa]) });
  expect(optional.find(({ name }: { name: string }) => name === "hyparquet")).toMatchObject({ installed: expect.stringMatching(/^\d+\.\d+/) });
  // Every optional peer, and no other.
  const { peerDependencies } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(optional.map(({ name }: { name: string }) => name).toSorted()).toEqual(Object.keys(peerDependencies).toSorted());
  const text = await gatewise(["doctor"], folder);
  expect(text.stdout).toMatch(/yes native {2}\w+ \(of .*portable\), threads: \d/);
});

describe("Ctrl-C while training", () => {
  test("leaves a checkpoint, says how to go on, and going on comes to the weights of never having stopped", async () => {
    const training = { ...SPEAKERS.training, epochs: 60 };
    writeConfig(folder, { ...SPEAKERS, training, output: "whole" }, "whole.json");
    writeConfig(folder, { ...SPEAKERS, training, output: "cut" }, "cut.json");
    let stopped = false;
    const cut = await gatewise(["train", "--config", "cut.json", "--json"], folder, (stderr, kill) => {
      if (stopped || !stderr.includes("epoch")) return;
      stopped = true;
      kill("SIGINT");
    });
    expect(cut.code).toBe(130);
    const document = JSON.parse(cut.stdout);
    expect(document).toMatchObject({ stopped: "aborted", report: null, resume: "gatewise train --config cut.json --resume" });
    expect(document.files).toEqual({ checkpoint: join("cut", "checkpoint.safetensors") });
    expect(existsSync(join(folder, "cut/model.safetensors"))).toBe(false);

    const [, ...resume] = document.resume.split(" ");
    const resumed = await gatewise([...resume, "--json"], folder);
    const whole = await gatewise(["train", "--config", "whole.json", "--json"], folder);
    expect({ resumed: resumed.code, whole: whole.code }).toEqual({ resumed: 0, whole: 0 });
    expect(JSON.parse(resumed.stdout).steps).toBe(JSON.parse(whole.stdout).steps);
    const bytes = (name: string) => readFileSync(join(folder, name)).toString("base64");
    expect(bytes("cut/model.safetensors") === bytes("whole/model.safetensors")).toBe(true);
    expect(bytes("cut/best.safetensors") === bytes("whole/best.safetensors")).toBe(true);
  });
});

test("what is written where nothing can be written is an error with the place", async () => {
  writeFileSync(join(folder, "a-file"), "");
  const { code, stderr } = await gatewise(["train", "--output", "a-file/results"], folder);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^gatewise: a-file.results: this could not be written: .*\(file_access\)\n$/);
});
