// The commands of docs/command-line.md, run as they stand with the configuration that stands there.

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { gatewise, newFolder, writeSpending } from "./support.js";

const page = readFileSync(new URL("../../docs/command-line.md", import.meta.url), "utf8");
const blocks = (kind: string) => [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, "gms"))].map(([, text]) => text ?? "");
const folder = newFolder();
afterAll(() => rmSync(folder, { recursive: true }));

test("every command of the page does what it says", async () => {
  const [configuration, ...others] = blocks("json");
  expect(others).toEqual([]);
  writeFileSync(join(folder, "gatewise.json"), configuration ?? "");
  writeSpending(folder);
  const commands = blocks("console").flatMap((block) => block.trimEnd().split("\n"));
  expect(commands).toHaveLength(7);
  for (const command of commands) {
    const [prompt, program, ...args] = command.split(" ");
    expect([prompt, program]).toEqual(["$", "gatewise"]);
    const { code, stderr } = await gatewise(args, folder);
    expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: expect.not.stringContaining("gatewise:") });
  }
  const written = ["best.json", "best.safetensors", "checkpoint.safetensors", "comparison.html", "comparison.json", "history.json", "model.safetensors", "report.json", "tuning.json", "tuning.jsonl", "tuning.svg"];
  expect(readdirSync(join(folder, "results"))).toEqual(written);
  expect(readFileSync(join(folder, "predictions.csv"), "utf8").split("\n")).toHaveLength(60 + 2);
});

test("the README's npx finds the command in a clone that was just built, from the folder of the example", () => {
  const cwd = new URL("../../examples/command-line/", import.meta.url);
  // What npm itself has to say of the user's settings goes to stderr, which is nobody's here.
  const printed = execFileSync("npx", ["--no-install", "gatewise", "doctor", "--json"], { cwd, encoding: "utf8", stdio: "pipe", shell: true });
  expect(JSON.parse(printed)).toHaveProperty("backends");
});
