// A file of machines' readings of any size, written as it is made: a record batch at a time.

import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { Field, Float32, Int32, RecordBatch, RecordBatchFileWriter, Schema, Struct, TimestampMillisecond, makeData } from "apache-arrow";

export const STEPS = 32;
export const FEATURES = 10;
/** Sequences of a record batch: 65,536 rows. */
const BATCH = 2048;

const names = Array.from({ length: FEATURES }, (_, feature) => `sensor${feature}`);
const fields = [
  Field.new("run", new Int32(), false),
  Field.new("time", new TimestampMillisecond(), false),
  ...names.map((name) => Field.new(name, new Float32(), false)),
  Field.new("wear", new Float32(), false),
];
const schema = new Schema(fields);

/**
 * Runs of 32 readings of ten sensors. What is to be predicted, `wear`, is the mean of the first sensor over the run, and 0.1 of it
 * chance: nothing that one step gives away.
 */
export async function writeReadings(file: string, bytes: number): Promise<void> {
  const rowBytes = 4 + 8 + 4 * FEATURES + 4;
  const batches = Math.ceil(bytes / (rowBytes * BATCH * STEPS));
  const random = randomFrom(1);
  const made = function* () {
    for (let batch = 0; batch < batches; batch++) yield batchOf(batch * BATCH, random);
  };
  await pipeline(Readable.from(made()), RecordBatchFileWriter.throughNode(), createWriteStream(file));
}

function batchOf(firstRun: number, random: () => number): RecordBatch {
  const rows = BATCH * STEPS;
  const run = new Int32Array(rows);
  const time = new BigInt64Array(rows);
  const sensors = names.map(() => new Float32Array(rows));
  const wear = new Float32Array(rows);
  for (let sequence = 0; sequence < BATCH; sequence++) {
    const level = random() * 2 - 1;
    let sum = 0;
    for (let step = 0, row = sequence * STEPS; step < STEPS; step++, row++) {
      run[row] = firstRun + sequence;
      time[row] = BigInt(row * 1000);
      for (const sensor of sensors) sensor[row] = random() * 2 - 1;
      const first = level + (random() - 0.5);
      (sensors[0] as Float32Array)[row] = first;
      sum += first;
    }
    wear.fill(sum / STEPS + 0.1 * (random() - 0.5), sequence * STEPS, (sequence + 1) * STEPS);
  }
  const children = [
    makeData({ type: new Int32(), data: run }),
    makeData({ type: new TimestampMillisecond(), data: time }),
    ...sensors.map((data) => makeData({ type: new Float32(), data })),
    makeData({ type: new Float32(), data: wear }),
  ];
  return new RecordBatch(schema, makeData({ type: new Struct(fields), length: rows, nullCount: 0, children }));
}

/** Numbers from 0 to below 1: Marsaglia's xorshift with 32 bits. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
