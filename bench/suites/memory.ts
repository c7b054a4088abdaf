// How much memory training takes, ours and PyTorch's, each in fresh processes, beside what has to be held at least.

import type { Row } from "../rows.js";
import { CLASSES, nameOf, shape } from "../shapes.js";
import type { Context, Suite } from "../suite.js";
import { LIMITS } from "../targets.js";
import { type Command, inTurns, programPath, runProgram } from "./fresh-process.js";
import { neededMemory } from "./memory-needed.js";
import { rowOf } from "./row.js";
import { median } from "./statistics.js";

const SUITE = "memory";

const SHAPE = shape(64, 128, 64, 256);

/** Training steps: enough that what piles up from step to step shows; and those of a quick run. */
const [STEPS, QUICK_STEPS] = [30, 3];

export const memory: Suite = {
  name: SUITE,
  async run(context) {
    if (!context.wanted(SUITE, nameOf(SHAPE), "pytorch")) return [];
    return [await measure(context)];
  },
};

async function measure({ machine, options, peers, log }: Context): Promise<Row> {
  const steps = options.quick ? QUICK_STEPS : STEPS;
  log(`${SUITE}: ${steps} training steps in fresh processes`);
  const { pytorch } = peers;
  const sizes = [SHAPE.batch, SHAPE.steps, SHAPE.features, SHAPE.units, CLASSES].map(String);
  const peak = async (program: Command, mode: "idle" | "train") =>
    (await runProgram<{ bytes: number }>([...program, mode, String(steps), ...sizes])).bytes;
  const ours: Command = [process.execPath, programPath("training-memory.mjs")];
  const theirs: Command = [pytorch.available ? pytorch.location : "", programPath("training_memory.py")];
  const peaks = await inTurns(options.quick ? 1 : 5, {
    idle: () => peak(ours, "idle"),
    train: () => peak(ours, "train"),
    ...(pytorch.available && { theirIdle: () => peak(theirs, "idle"), theirTrain: () => peak(theirs, "train") }),
  });
  const memory = median(peaks.train) - median(peaks.idle);
  const peerMemory = pytorch.available ? median(peaks.theirTrain ?? []) - median(peaks.theirIdle ?? []) : undefined;
  const needed = neededMemory(SHAPE, CLASSES);
  const times = memory / needed.total;
  return rowOf({
    suite: SUITE,
    operation: "training step",
    shape: nameOf(SHAPE),
    threads: 1,
    backend: "native",
    isa: machine.isa,
    peer: "pytorch",
    memory,
    ...(peerMemory !== undefined && { peer_memory: peerMemory }),
    figure: { value: Number(times.toFixed(3)), unit: "times what has to be held" },
    target: `≤ ${LIMITS.memory} times what has to be held, and below PyTorch`,
    met: times > LIMITS.memory ? false : peerMemory === undefined ? null : memory < peerMemory,
    note: [
      `${times.toFixed(2)} times the ${mebibytes(needed.total)} that have to be held`,
      `of it activations ${mebibytes(needed.activations)}`,
      `parameters, gradients and moments ${mebibytes(needed.parameters)}`,
      `data ${mebibytes(needed.data)}`,
      ...(pytorch.available ? [] : [pytorch.reason]),
    ].join("; "),
  });
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
