// Trials rung by rung: who takes part, what their trainings came to, who goes on. Knows neither how trainings run nor how
// trials are drawn.

import type { ErrorData } from "../errors.js";
import { GatewiseError } from "../errors.js";
import type { OutputDefinition } from "../model/outputs.js";
import type { Candidate } from "./apply.js";
import type { Journal } from "./journal.js";
import { type Objective, compareValues, readObjective } from "./objective.js";
import type { Rung } from "./plan.js";
import type { JobEnd, Pool } from "./pool.js";
import type { Job, Outcome } from "./protocol.js";
import type { Parameters } from "./space.js";
import type { RungResult, Trial, TuningOptions } from "./types.js";

/** A trial that has not begun. */
export interface Contender {
  /** From 1. */
  readonly number: number;
  readonly parameters: Parameters;
  /** Without epochs: those are the rung's. */
  readonly candidate: Candidate;
}

/** How a contest is held. */
export interface Rules {
  readonly objective: Objective;
  /** Trainings of each trial in each rung. */
  readonly folds: number;
  readonly rungs: readonly Rung[];
}

type Watch = Pick<TuningOptions, "onProgress" | "signal">;

/** What is known of a trial by now. */
interface Standing extends Contender {
  readonly results: RungResult[];
  trained: number | undefined;
  failure: ErrorData | undefined;
}

/** One training of a rung. */
interface Entry {
  readonly standing: Standing;
  readonly job: Job;
  end: JobEnd | undefined;
}

/** All trials and where they stand. */
export class Contest {
  readonly rungs: readonly Rung[];
  readonly #rules: Rules;
  readonly #standings: readonly Standing[];
  /** Epochs of the rungs before the one under way, and of all. */
  #epochs = 0;
  #totalEpochs = 0;

  constructor(contenders: readonly Contender[], rules: Rules) {
    this.#rules = rules;
    // Of a small space fewer trials than the budget's may have been drawn.
    this.rungs = rules.rungs.map(({ trials, epochs }) => ({ trials: Math.min(trials, contenders.length), epochs }));
    this.#standings = contenders.map((contender) => ({ ...contender, results: [], trained: undefined, failure: undefined }));
  }

  /** Holds every rung; what the journal knows is not trained again. */
  async run(pool: Pool, journal: Journal, watch: Watch): Promise<void> {
    this.#totalEpochs = this.rungs.reduce((sum, { trials, epochs }) => sum + trials * epochs * this.#rules.folds, 0);
    let contenders = this.#standings;
    for (const [rung, { trials, epochs }] of this.rungs.entries()) {
      contenders = this.#best(contenders, rung).slice(0, trials);
      await this.#hold(rung, this.#entries(contenders, epochs), { pool, journal, watch });
      if (watch.signal?.aborted) return;
      if (this.#standings.every(({ failure }) => failure)) throw everyoneFailed(this.#standings);
      this.#epochs += contenders.length * epochs * this.#rules.folds;
    }
  }

  /** Every trial that came to an end of any kind: the best first. */
  trials<Out extends OutputDefinition>(): Trial<Out>[] {
    const ended = this.#standings.filter(({ results, failure }) => results.length > 0 || failure);
    const reached = ({ failure, results }: Standing) => (failure ? 0 : results.length);
    const order = ended.toSorted((a, b) => reached(b) - reached(a) || this.#compare(a, b, reached(a) - 1));
    return order.map((standing) => trialOf<Out>(standing, this.rungs));
  }

  #entries(contenders: readonly Standing[], epochs: number): Entry[] {
    return contenders.flatMap((standing) =>
      Array.from({ length: this.#rules.folds }, (_, fold): Entry => {
        const { definition, options } = standing.candidate;
        return { standing, job: { definition, options: { ...options, epochs }, fold }, end: undefined };
      }),
    );
  }

  async #hold(rung: number, entries: readonly Entry[], { pool, journal, watch }: { pool: Pool; journal: Journal; watch: Watch }): Promise<void> {
    const report = async (entry: Entry, epochs: number): Promise<void> => {
      const done = entries.filter(({ end }) => end).length;
      const { number, results } = entry.standing;
      const place = { rung: rung + 1, rungs: this.rungs.length, done, total: entries.length };
      const epochsSoFar = { epochs: this.#epochs + epochs, totalEpochs: this.#totalEpochs };
      await watch.onProgress?.({ ...place, ...epochsSoFar, trial: number, value: results[rung]?.value, best: this.#leader(rung) });
    };
    const settle = async (entry: Entry, end: JobEnd): Promise<void> => {
      entry.end = end;
      this.#take(rung, entries.filter(({ standing }) => standing === entry.standing));
      await report(entry, epochsOf(entries, trained));
    };
    const trained = new Map<Entry, number>();
    for (const entry of entries) {
      const end = journal.find(entry.job);
      if (end) await settle(entry, end);
    }
    const open = entries.filter(({ end }) => !end);
    await pool.runAll(
      open.map(({ job }) => job),
      {
        onEpoch: async (index, { epoch }) => {
          trained.set(open[index] as Entry, epoch);
          await report(open[index] as Entry, epochsOf(entries, trained));
        },
        onEnd: async (index, end) => {
          const entry = open[index] as Entry;
          await journal.add(entry.job, end);
          if (end.kind !== "stopped") await settle(entry, end);
        },
      },
    );
  }

  /** What the trainings of one trial in one rung come to, once all of them have ended. */
  #take(rung: number, entries: readonly Entry[]): void {
    const [{ standing, job }] = entries as [Entry];
    if (entries.some(({ end }) => !end)) return;
    const failed = entries.map(({ end }) => end).find((end) => end?.kind === "failed");
    if (failed) {
      standing.failure = failed.error;
      return;
    }
    const outcomes = entries.map(({ end }) => (end as { outcome: Outcome }).outcome);
    standing.trained = outcomes[0]?.parameters;
    try {
      const values = outcomes.map(({ report }) => readObjective(this.#rules.objective, report));
      const value = sum(values) / values.length;
      const curves = outcomes.map(({ epochs }) => epochs);
      standing.results[rung] = { rung, epochs: Number(job.options.epochs), value, curves, seconds: sum(outcomes.map(({ seconds }) => seconds)) };
    } catch (error) {
      if (!(error instanceof GatewiseError)) throw error;
      standing.failure = { code: error.code, path: error.path, message: error.message };
    }
  }

  /** Of those who came to the end of the rung before, the best first. */
  #best(standings: readonly Standing[], rung: number): readonly Standing[] {
    if (rung === 0) return standings;
    return this.#inOrder(standings.filter(({ failure, results }) => !failure && results[rung - 1]), rung - 1);
  }

  #inOrder(standings: readonly Standing[], rung: number): readonly Standing[] {
    return standings.toSorted((a, b) => this.#compare(a, b, rung));
  }

  /** By the value in a rung; what was drawn first wins a tie. */
  #compare(a: Standing, b: Standing, rung: number): number {
    const [of, over] = [a.results[rung]?.value, b.results[rung]?.value];
    const difference = of === undefined || over === undefined ? 0 : compareValues(this.#rules.objective, of, over);
    return difference || a.number - b.number;
  }

  #leader(rung: number): { trial: number; value: number } | undefined {
    const [best] = this.#inOrder(this.#standings.filter(({ failure, results }) => !failure && results[rung]), rung);
    const value = best?.results[rung]?.value;
    return best && value !== undefined ? { trial: best.number, value } : undefined;
  }
}

function trialOf<Out extends OutputDefinition>({ candidate, results, failure, trained, ...drawn }: Standing, rungs: readonly Rung[]): Trial<Out> {
  const epochs = results.at(-1)?.epochs ?? rungs[0]?.epochs;
  return {
    number: drawn.number,
    parameters: drawn.parameters,
    definition: candidate.definition as unknown as Trial<Out>["definition"],
    options: { ...candidate.options, epochs } as unknown as Trial<Out>["options"],
    rungs: results,
    value: failure ? undefined : results.at(-1)?.value,
    trained,
    ...(failure && { failure }),
  };
}

/** Epochs that the rung's trainings have behind them: all of those that ended, however they did. */
function epochsOf(entries: readonly Entry[], trained: ReadonlyMap<Entry, number>): number {
  return sum(entries.map((entry) => (entry.end ? Number(entry.job.options.epochs) : (trained.get(entry) ?? 0))));
}

function everyoneFailed(standings: readonly Standing[]): GatewiseError {
  const { code, path, message } = standings[0]?.failure ?? { code: "internal_error", path: "", message: "there is no trial" };
  const others = standings.length > 1 ? `every one of the ${standings.length} trials failed, the first as follows: ` : "";
  return new GatewiseError(code, path, `${others}${message}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
