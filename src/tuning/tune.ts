// The search: draws trials, trains them rung by rung in workers, and lets the best go on.

import { availableParallelism } from "node:os";

import { prepareLabelled } from "../data/sequences.js";
import type { LabelledData } from "../data/types.js";
import { GatewiseError } from "../errors.js";
import { createModel } from "../model/create.js";
import type { OutputDefinition } from "../model/outputs.js";
import { validated } from "../validate.js";
import { type Candidate, applyParameters } from "./apply.js";
import { Contest, type Contender } from "./contest.js";
import { drawTrials } from "./draw.js";
import { assertFolds, samplesAt } from "./folds.js";
import { Journal } from "./journal.js";
import { readObjective } from "./objective.js";
import { rungsOf } from "./plan.js";
import { Pool } from "./pool.js";
import { TuningResult } from "./result.js";
import { type TuningSettings, SettingsSchema } from "./settings.js";
import { digestOf, share } from "./share.js";
import type { TuningOptions } from "./types.js";

/**
 * Searches a space of definitions and training options for what does best on validation data: at random (Bergstra and Bengio
 * 2012), or by successive halving, in which many trials are trained for a few epochs and the best of them for more (Jamieson
 * and Talwalkar 2016; the inner loop of Hyperband, Li et al. 2018).
 *
 * Trials train side by side in worker threads. Each rung trains its trials from their first weights on, for all of the rung's
 * epochs: so a learning rate's schedule is that of the rung, and `createModel(best.definition)` with `fit(data, best.options)`
 * comes to the weights that were judged. The same seed, data and build give the same trials and the same winner, however many
 * workers there are, and whether or not the tuning was killed and went on from its journal. A trial that fails (its loss is not
 * finite, its definition is none, there is no memory) is a row with its reason.
 *
 * @returns every trial, the best first; `stopped` is `"aborted"` if the signal ended it early
 * @throws {GatewiseError} `invalid_option`, `invalid_file` and `file_access` (of the journal), `backend_unavailable`, and for the
 * data what `fit` throws; where every trial fails, what the first failed with
 * @throws whatever a callback threw
 *
 * @example
 * ```ts
 * const { best, toTable } = await tune({
 *   definition: { input: { features: 5 }, layers: [{ cell: "lstm", units: 32 }], output: { classes } },
 *   space: {
 *     cell: { choice: ["lstm", "gru"] },
 *     units: { integer: [16, 128], scale: "log" },
 *     layers: { integer: [1, 3] },
 *     dropout: { uniform: [0, 0.5] },
 *     learningRate: { logUniform: [1e-4, 1e-1] },
 *   },
 *   data, validation,
 *   budget: { trials: 27, epochs: 27 },
 *   journal: "tuning.jsonl",
 * });
 * const model = await createModel(best.definition);
 * await model.fit(data, best.options);
 * ```
 */
export async function tune<const Out extends OutputDefinition>(options: TuningOptions<Out>): Promise<TuningResult<Out>> {
  const { definition, options: training = {}, data, validation, folds, backend = "auto", journal, onProgress, signal, ...rest } = options;
  const settings = validated(SettingsSchema, rest, "") as TuningSettings;
  const { space, budget, search = "halving", objective = "loss", seed = 0, threads = 1 } = settings;
  assertJudged(validation, folds, data);
  assertPlain(training);
  const base = { definition, options: training } as unknown as Candidate;
  const contenders = drawTrials(space, budget.trials, seed).map((parameters, index) => {
    return { number: index + 1, parameters, candidate: applyParameters(base, parameters) };
  });
  await assertTrainable(contenders, { ...options, objective } as unknown as TuningOptions);

  const setup = { data: share(data as Data), validation: validation && share(validation as Data), folds, backend, threads };
  const pool = new Pool(settings.workers ?? Math.max(1, Math.floor(availableParallelism() / threads)), setup);
  const known = await Journal.open(journal, digestOf(data, validation, folds));
  const contest = new Contest(contenders, { objective, folds: folds?.length ?? 1, rungs: rungsOf(search, budget) });
  const stop = () => pool.stop();
  signal?.addEventListener("abort", stop);
  try {
    if (signal?.aborted) pool.stop();
    await contest.run(pool, known, { onProgress, signal });
  } finally {
    signal?.removeEventListener("abort", stop);
    await pool.close();
  }
  const { rungs } = contest;
  return new TuningResult<Out>({ stopped: signal?.aborted ? "aborted" : "finished", search, objective, space, rungs, trials: contest.trials<Out>() });
}

type Data = LabelledData<OutputDefinition>;

function assertJudged(validation: unknown, folds: unknown, data: { readonly shape?: unknown }): void {
  if ((validation === undefined) === (folds === undefined)) {
    const message = "trials are judged by data that they do not train on: give either validation data or folds of the data";
    throw new GatewiseError("invalid_option", "validation", message);
  }
  if (folds !== undefined) assertFolds(folds, Number((data?.shape as readonly number[] | undefined)?.[0] ?? 0));
}

/** Functions, such as a learning rate of the caller's own, do not reach into workers. */
function assertPlain(options: object): void {
  for (const [name, option] of Object.entries(options)) {
    try {
      structuredClone(option);
    } catch (cause) {
      const message = `${name} must be plain data, as trials train in workers: a function cannot go there`;
      throw new GatewiseError("invalid_option", `options.${name}`, message, { cause });
    }
  }
}

/** Fails where no trial could ever be trained and judged: better here than once in every trial. */
async function assertTrainable(
  contenders: readonly Contender[],
  { data, validation, folds, backend, objective = "loss" }: TuningOptions,
): Promise<void> {
  const model = await firstModel(contenders, backend);
  try {
    const expected = model.definition as unknown as Parameters<typeof prepareLabelled>[1];
    prepareLabelled(data, expected);
    const held = folds ? folds.map((fold) => samplesAt(data, fold.validation)) : [validation as Data];
    for (const part of held) {
      if (!folds) prepareLabelled(part, expected, "validation.");
      readObjective(objective, await model.evaluate(part as never));
    }
  } finally {
    model.dispose();
  }
}

/** A model of the first contender whose definition is one. */
async function firstModel(contenders: readonly Contender[], backend: TuningOptions["backend"]) {
  const refusals: unknown[] = [];
  for (const { candidate } of contenders) {
    try {
      return await createModel<OutputDefinition>(candidate.definition as never, { backend, threads: 1 });
    } catch (error) {
      if (!(error instanceof GatewiseError) || error.code !== "invalid_definition") throw error;
      refusals.push(error);
    }
  }
  throw refusals[0];
}
