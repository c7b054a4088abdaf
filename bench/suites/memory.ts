// How much memory training takes, ours and PyTorch's, each in fresh processes, beside what has to be held at least.

import type { Row } from "../rows.js";
import type { Context, Suite } from "../suite.js";
import { type Command, inTurns, programPath, runProgram } from "./fresh-process.js";
import { neededMemory } from "./memory-needed.js";
import { rowOf } from "./row.js";
import { median } from "./statistics.js";

const SUITE = "memory";

/** Batch, steps, input size, units. */
const SHAPE = [64, 128, 64, 256] as const;

/** Training steps: enough that what piles up from step to step shows. */
const STEPS = 30;

/** Times what has to be held. */
const TARGET = 1.3;

export const memorySuite: Suite = {
  name: SUITE,
  async run(context) {
    if (!context.wanted(SUITE, SHAPE.join(","), "pytorch")) return [];
    return [await measure(context)];
  },
};

async function measure({ machine, options, peers, log }: Context): Promise<Row> {
  log(`${SUITE}: ${STEPS} training steps in fresh processes`);
  const { pytorch } = peers;
  const sizes = SHAPE.map(String);
  const peak = async (program: Command, mode: "idle" | "train") =>
    (await runProgram<{ bytes: number }>([...program, mode, String(STEPS), ...sizes])).bytes;
  const ours: Command = [process.execPath, programPath("training-memory.mjs")];
  const theirs: Command = [pytorch.available ? pytorch.location : "", programPath("training_memory.py")];
  const peaks = await inTurns(options.quick ? 1 : 5, {
    idle: () => peak(ours, "idle"),
    train: () => peak(ours, "train"),
    ...(pytorch.available && { theirIdle: () => peak(theirs, "idle"), theirTrain: () => peak(theirs, "train") }),
  });
  const memory = median(peaks.train) - median(peaks.idle);
  const peerMemory = pytorch.available ? median(peaks.theirTrain ?? []) - median(peaks.theirIdle ?? []) : undefined;
  const needed = neededMemory(...SHAPE, 2);
  const times = memory / needed.total;
  return rowOf({
    suite: SUITE,
    operation: "training step",
    shape: SHAPE.join(","),
    threads: 1,
    backend: "native",
    isa: machine.isa,
    peer: "pytorch",
    memory,
    ...(peerMemory !== undefined && { peer_memory: peerMemory }),
    figure: { value: times, unit: "times what has to be held" },
    target: `≤ ${TARGET} times what has to be held, and below PyTorch`,
    met: times > TARGET ? false : peerMemory === undefined ? null : memory < peerMemory,
    note: `${mebibytes(needed.total)} have to be held: ${mebibytes(needed.activations)} activations, ${mebibytes(needed.parameters)} parameters, gradients and moments, ${mebibytes(needed.data)} data${pytorch.available ? "" : `; ${pytorch.reason}`}`,
  });
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
