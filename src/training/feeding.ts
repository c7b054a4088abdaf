// Hands a trainer the chunks that it asks for, and reads the next one meanwhile. Knows nothing of what a chunk holds.

import type { LabelledSequences, TrainerHandle } from "../backend/backend.js";
import { GatewiseError } from "../errors.js";
import type { TrainingProgress } from "../generated/core.js";

/** Reads a chunk and brings it into the form that the core takes. */
export type ReadChunk = (chunk: number) => Promise<LabelledSequences>;

/** Chunks on their way: the one that was read ahead. */
export class Feeding {
  readonly #read: ReadChunk;
  #given: number | undefined;
  #ahead: { readonly chunk: number; readonly data: Promise<LabelledSequences> } | undefined;

  constructor(read: ReadChunk) {
    this.#read = read;
  }

  /** Hands over what the trainer waits for, and begins to read what it will want after that. */
  async feed(trainer: TrainerHandle, { chunk, nextChunk }: TrainingProgress): Promise<void> {
    if (chunk !== null) {
      await trainer.giveChunk(chunk, await this.#take(chunk)).catch((error: unknown) => {
        throw seenFromTheSource(error, chunk);
      });
      this.#given = chunk;
    }
    // The chunk that is there already may be the next one too.
    const isThere = nextChunk === this.#given || nextChunk === this.#ahead?.chunk;
    if (nextChunk !== null && !isThere) this.#readAhead(nextChunk);
  }

  #take(chunk: number): Promise<LabelledSequences> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead?.chunk === chunk ? ahead.data : this.#read(chunk);
  }

  #readAhead(chunk: number): void {
    const data = this.#read(chunk);
    // If it fails and is never asked for, nobody need know.
    data.catch(() => undefined);
    this.#ahead = { chunk, data };
  }
}

/** An error of a chunk, with the chunk's place in front of its path. */
export function seenFromTheSource(error: unknown, chunk: number): unknown {
  if (!(error instanceof GatewiseError) || error.code === "internal_error" || error.code === "model_disposed") return error;
  const path = error.path.replace(/^options\.data$|^data$|^options\.|^sizes\[\d+\]$/, "");
  return new GatewiseError(error.code, [`data.read(${chunk})`, path].filter(Boolean).join("."), error.message, { cause: error });
}
