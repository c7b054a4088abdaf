// Whole sequences through a model, slice by slice: what it predicts, and how well, of arrays or of raw rows. Knows nothing of
// training.

import type { SavedPipeline } from "../data/pipeline/saved.js";
import { type Expected, prepareLabelled, prepareSequences } from "../data/sequences.js";
import type { LabelledData, Sequences } from "../data/types.js";
import type { ModelCore } from "./core.js";
import { readInSlices, sliceOfTargets, targetsSeenFromTheWhole } from "./long-read.js";
import type { Output, Prediction, Report } from "./outputs.js";
import { type ReadPrediction, eachStep, predictionReader, sizeOf } from "./predictions.js";
import { type RawRows, type RowPrediction, openPipeline, withOrigins } from "./raw-rows.js";
import { type States, statesToRead } from "./states.js";

/** How sequences are read. */
export interface ReadOptions {
  /**
   * What the n sequences begin from, and then, when all is read, have come to: see {@link States}. From where sequences begin
   * unless given.
   */
  readonly states?: States | undefined;
}

/** What `Model` predicts and evaluates with. */
export class Reader<Out extends Output> {
  readonly #core: ModelCore;
  readonly #expected: Expected;
  readonly #read: ReadPrediction<Out>;

  constructor(core: ModelCore, expected: Expected) {
    this.#core = core;
    this.#expected = expected;
    this.#read = predictionReader<Out>(expected.output);
  }

  /** [n] one prediction a sequence, or a list of them where there is an output for each step. */
  async predict(data: Sequences, options: ReadOptions): Promise<Prediction<Out>[]> {
    this.#core.assertAlive();
    const prepared = prepareSequences(data, this.#expected);
    const states = statesToRead(options.states, prepared.n);
    const all: Prediction<Out>[] = [];
    const each = this.#expected.output.at === "each";
    await readInSlices(this.#core, prepared, this.#sizeOf(prepared.steps), states, ({ predictions, lengths }) => {
      for (const [sequence, length] of lengths.entries()) {
        const prediction = each
          ? eachStep(this.#read, predictions, sequence * prepared.steps, length)
          : this.#read(predictions, sequence);
        all.push(prediction as Prediction<Out>);
      }
    });
    return all;
  }

  /** The same of the samples that the fitted pipeline makes of raw rows. */
  async predictRows(data: RawRows, saved: SavedPipeline | undefined, options: ReadOptions): Promise<RowPrediction<Out>[]> {
    this.#core.assertAlive();
    const pipeline = await openPipeline<Out>(saved);
    const sequences = pipeline.sequences(data.rows, data);
    return withOrigins(await this.predict(sequences, options), sequences, pipeline);
  }

  /** The report on data whose targets are known. */
  async evaluate(data: LabelledData<Out>, options: ReadOptions): Promise<Report<Out>> {
    this.#core.assertAlive();
    const prepared = prepareLabelled(data, this.#expected);
    const { n } = prepared;
    const states = statesToRead(options.states, n);
    return this.#core.evaluate<Report<Out>>((add) =>
      readInSlices(this.#core, prepared, this.#sizeOf(prepared.steps), states, ({ start, end, predictions, lengths }) => {
        try {
          add(predictions, lengths, sliceOfTargets(prepared, n, start, end));
        } catch (error) {
          throw targetsSeenFromTheWhole(error, prepared, n, start);
        }
      }),
    );
  }

  /** The same of the samples that the fitted pipeline makes of raw rows. */
  async evaluateRows(data: RawRows, saved: SavedPipeline | undefined, options: ReadOptions): Promise<Report<Out>> {
    this.#core.assertAlive();
    const pipeline = await openPipeline<Out>(saved);
    return this.evaluate(pipeline.apply(data.rows, data), options);
  }

  /** Numbers of the predictions for one sequence of so many steps. */
  #sizeOf(steps: number): number {
    const { output } = this.#expected;
    return sizeOf(output) * (output.at === "each" ? steps : 1);
  }
}
