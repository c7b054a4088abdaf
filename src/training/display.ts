// Training as a person watches it. What it is shown on is the runtime's: this knows what to say.

import { kindOf } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import { currentPlatform } from "../platform.js";
import type { EpochReport, ProgressOptions, ProgressStream, TrainingProgress } from "./types.js";

/** Something that shows how training goes. */
export interface Display {
  show(progress: Shown, loss: number): void;
  /** Leaves what was shown last. */
  stop(): void;
}

/** What is shown of a crossing, whatever the model predicts. */
export type Shown = Pick<TrainingProgress, "step" | "totalSteps" | "epoch" | "totalEpochs"> & {
  readonly epochs: readonly ShownEpoch[];
};

type ShownEpoch = Pick<EpochReport, "epoch" | "loss"> & {
  readonly accuracy: number | null;
  readonly validation: { readonly loss: number; readonly accuracy: number | null } | null;
};

/** What a runtime needs to know: nothing is chosen for it where a field is undefined. */
export interface DisplayOrder {
  readonly form: "bar" | "lines" | undefined;
  readonly stream: ProgressStream | undefined;
}

/** Opens what the option asks for; undefined where the runtime shows nothing. */
export async function openDisplay(option: ProgressOptions): Promise<Display | undefined> {
  const order = orderOf(option);
  return currentPlatform().openDisplay?.(order);
}

function orderOf(option: unknown): DisplayOrder {
  if (option === true) return { form: undefined, stream: undefined };
  if (option === "bar" || option === "lines") return { form: option, stream: undefined };
  const stream: unknown = (option as { stream?: unknown } | null)?.stream;
  if (typeof (stream as { write?: unknown } | undefined)?.write === "function") {
    return { form: undefined, stream: stream as ProgressStream };
  }
  const message = `progress must be true, false, "bar", "lines" or an object with a stream, not ${kindOf(option)}`;
  throw new GatewiseError("invalid_option", "options.progress", message);
}

/** One epoch as a line. */
export function lineOf({ epoch, loss, accuracy, validation }: ShownEpoch, totalEpochs: number): string {
  const parts = [`epoch ${epoch}/${totalEpochs}`, figures(loss, accuracy)];
  if (validation) parts.push(`validation ${figures(validation.loss, validation.accuracy)}`);
  return parts.join("  ");
}

/** Loss and, where there is one, accuracy. */
export function figures(loss: number, accuracy: number | null): string {
  return accuracy === null ? `loss ${number(loss)}` : `loss ${number(loss)}  accuracy ${accuracy.toFixed(4)}`;
}

function number(value: number): string {
  return Number.isFinite(value) ? value.toPrecision(4) : "…";
}
