// The command line of programs that learn from a folder of the user's.

import { parseArgs } from "node:util";
import { GatewiseError } from "gatewise";
import { MissingData } from "./folder.js";
import { type Task, learn } from "./recipe.js";

/**
 * Learns one of `tasks`, or the only one, as the command line says, once for each seed. Ends with code 1 where data are missing or
 * damaged, with 2 after a wrong option.
 */
export async function learnFromFolder(program: string, tasks: readonly Task[]): Promise<void> {
  const names = tasks.map(({ dataset }) => dataset);
  const one = names.length === 1;
  const usage = `npx tsx examples/${program} ${one ? "" : "SET "}FOLDER [--seeds N] [--threads N]`;
  try {
    const options = { seeds: { type: "string", default: "1" }, threads: { type: "string" }, help: { type: "boolean" } } as const;
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    const [name = "", folder] = one ? [...names, ...positionals] : positionals;
    const task = tasks.find(({ dataset }) => dataset === name);
    const seeds = Number(values.seeds);
    if (values.help === true || folder === undefined || task === undefined || !(Number.isInteger(seeds) && seeds > 0)) {
      const set = one ? "" : `, SET is one of ${names.join(", ")}`;
      console.log(`${tasks.map(({ about }) => about).join("\n")}\n\n  ${usage}\n\nFOLDER holds the data${set}.`);
      process.exitCode = values.help === true ? 0 : 2;
      return;
    }
    const split = await task.read(folder);
    const recipe = task.recipe(split.training);
    const machine = { backend: "auto", threads: values.threads === undefined ? undefined : Number(values.threads) } as const;
    console.log(`${task.about}\n${split.training.shape.join(" × ")} numbers to learn from, ${split.test.shape[0]} sequences in the test part`);
    for (let seed = 1; seed <= seeds; seed++) console.log(`seed ${seed}: accuracy ${(await learn(name, split, recipe, seed, machine)).toFixed(4)}`);
    console.log(`PyTorch, the same recipe: ${[...new Set(task.pytorch)].join(" to ")}`);
  } catch (error) {
    const wrongOption = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
    if (!wrongOption && !(error instanceof MissingData) && !(error instanceof GatewiseError)) throw error;
    console.error(wrongOption ? `${error.message}\n${usage}` : error.message);
    process.exitCode = wrongOption ? 2 : 1;
  }
}
