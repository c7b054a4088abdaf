// Raw rows instead of arrays: the pipeline that a model was trained with prepares them. Its code is loaded when it is first used.

import type { ReadingOptions } from "../data/pipeline/reading.js";
import type { GroupId } from "../data/pipeline/groups.js";
import type { FittedPipeline } from "../data/pipeline/fitted.js";
import type { SavedPipeline } from "../data/pipeline/saved.js";
import type { Rows } from "../data/rows.js";
import { GatewiseError } from "../errors.js";
import type { Output, Prediction, ValuesPrediction } from "./outputs.js";

/** Raw rows, as the training's were: the pipeline that the model was trained with makes samples of them. */
export interface RawRows extends ReadingOptions {
  /** A table, or a list of objects with the columns that the pipeline names. */
  readonly rows: Rows;
  /** In `predict`, whether each group gives one sample alone, that of its last steps. False unless given. */
  readonly latest?: boolean | undefined;
}

/** What a model predicts for one sample of raw rows. */
export interface RowPrediction<Out extends Output = string> {
  /** The sample's group; null where all rows are one. */
  readonly group: GroupId;
  /** When the sample has ended, in milliseconds since 1970: its cut-off, or its last step's end. NaN without times. */
  readonly time: number;
  /** What is predicted; values as they are in the table, whatever the target's scale. */
  readonly prediction: Prediction<Out>;
}

export function isRawRows(data: object | null | undefined): data is RawRows {
  return typeof data === "object" && data !== null && "rows" in data && data.rows !== undefined;
}

function loadPipelines(): Promise<typeof import("../data/pipeline/restore.js")> {
  return import("../data/pipeline/restore.js");
}

/** Checks what a model's file holds. @throws {GatewiseError} `invalid_file` */
export async function parsePreprocessing(text: string): Promise<SavedPipeline> {
  return (await loadPipelines()).parseSaved(text);
}

/** Checks what data say of themselves. @throws {GatewiseError} `invalid_option` */
export async function checkPreprocessing(value: unknown): Promise<SavedPipeline> {
  return (await loadPipelines()).checkSaved(value, "invalid_option", "data.preprocessing");
}

/** The pipeline of a model, or an error where it has none. */
export async function openPipeline<Out extends Output>(saved: SavedPipeline | undefined): Promise<FittedPipeline<Out>> {
  if (saved !== undefined) return new (await loadPipelines()).FittedPipeline<Out>(saved);
  const message = "this model knows no pipeline that could prepare raw rows: train it on what a pipeline gives, or give it arrays";
  throw new GatewiseError("invalid_option", "rows", message);
}

/** Each prediction with where its sample comes from. */
export function withOrigins<Out extends Output>(
  predictions: readonly Prediction<Out>[],
  { groups, times }: { readonly groups: readonly GroupId[]; readonly times: Float64Array },
  pipeline: FittedPipeline<Out>,
): RowPrediction<Out>[] {
  return predictions.map((prediction, sample) => ({
    group: groups[sample] ?? null,
    time: times[sample] as number,
    prediction: inOriginalUnits(prediction, pipeline),
  }));
}

/** Values are the table's again; quantiles of one value stand side by side, and share its scale. */
function inOriginalUnits<Out extends Output>(prediction: Prediction<Out>, pipeline: FittedPipeline<Out>): Prediction<Out> {
  const { values } = prediction as Partial<ValuesPrediction>;
  return values instanceof Float32Array ? { ...prediction, values: pipeline.originalValues(values) } : prediction;
}
