// From the bytes of a pickle to the inert value that it describes, within a limit of memory.

import type { Complaints } from "../complaints.js";
import type { PyTorchValue } from "../value.js";
import { PickleBytes } from "./bytes.js";
import { listedGlobal } from "./globals.js";
import { asValue, findDefect } from "./inert.js";
import { Machine } from "./machine.js";
import { run } from "./opcodes.js";
import type { CallContext, Operand } from "./operands.js";

/**
 * Bytes of memory that a value may take for each byte of the file that describes it, and beside that. One byte of a pickle can
 * make a dictionary, which takes 200; what torch.save writes takes six to eleven.
 */
const MEMORY_PER_BYTE = 16;
const MEMORY_BESIDE = 4 << 20;

/** What the pickles of one file share. */
export interface PickleContext extends Omit<CallContext, "charge"> {
  persistent(id: readonly Operand[]): Operand | undefined;
}

/** Where a pickle is. */
export interface PicklePlace {
  readonly bytes: Uint8Array;
  readonly start: number;
  /** Bytes that it takes in the file, where that is fewer than it has: its share of memory goes by them. */
  readonly packed?: number;
  /** As errors call it. */
  readonly at?: string;
}

/**
 * The value of a pickle, and where it ends.
 *
 * @throws {EndOfPickle} where it goes on beyond the bytes
 * @throws {GatewiseError} `unsafe_file`, `invalid_file`
 */
export function unpickle({ bytes, start, packed, at }: PicklePlace, context: PickleContext): { value: PyTorchValue; end: number } {
  const reader = new PickleBytes(bytes, start);
  const limit = MEMORY_BESIDE + MEMORY_PER_BYTE * (packed ?? bytes.length - start);
  const machine = new Machine(reader, { ...context, global: listedGlobal, charge: meter(limit, context.complaints, at) }, at);
  run(machine);
  const operand = machine.result();
  const defect = findDefect(operand);
  if (defect) throw "unsafe" in defect ? machine.unsafe(defect.unsafe) : context.complaints.damaged(defect.damaged, at);
  return { value: asValue(operand), end: reader.position };
}

function meter(limit: number, { damaged }: Complaints, at: string | undefined): (bytes: number) => void {
  let used = 0;
  return (bytes) => {
    used += bytes;
    if (used > limit) throw damaged("its pickle makes values that take far more memory than the file's size, as no file of torch.save does", at);
  };
}
