// The worker's side of the protocol, for workers in TypeScript: requests from standard input, answers to standard output.

import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

import type { Answers, Job, Request } from "./protocol.js";

/** Named numbers, in the order in which they are compared. */
export type Results = Readonly<Record<string, Float32Array>>;

/** A job, ready to run. */
export interface Work {
  readonly isa?: string;
  readonly note?: string;
  readonly shortest?: number;
  check(): Promise<Results> | Results;
  /** Runs it `count` times; a promise of the milliseconds where only the work itself knows them. */
  run(count: number): number | Promise<number> | void | Promise<void>;
  dispose?(): void;
}

/** Answers requests until the input ends. */
export async function serve(load: (job: Job) => Promise<Work>): Promise<void> {
  let work: Work | undefined;
  const answer = async (request: Request): Promise<Answers[keyof Answers]> => {
    if (request.ask === "load") {
      work?.dispose?.();
      work = await load(request.job);
      const { isa, note, shortest } = work;
      return { ...(isa && { isa }), ...(note && { note }), ...(shortest && { shortest }) };
    }
    if (!work) throw new Error("load a job first");
    if (request.ask === "check") return writeResults(request.into, await work.check());
    return measure(work, request.count, request.times);
  };
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      reply({ ok: true, value: await answer(JSON.parse(line) as Request) });
    } catch (error) {
      reply({ ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  process.exit(0);
}

// Engines print what they like on standard output, through `console.log` too.
const { write } = process.stdout;
const send = write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr) as typeof process.stdout.write;

function reply(message: object): void {
  send(`${JSON.stringify(message)}\n`);
}

function writeResults(into: string, results: Results): Answers["check"] {
  writeFileSync(into, Buffer.concat(Object.values(results).map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))));
  return { tensors: Object.entries(results).map(([name, { length }]) => ({ name, length })) };
}

async function measure(work: Work, count: number, times: number): Promise<number[]> {
  const milliseconds: number[] = [];
  for (let time = 0; time < times; time++) {
    const began = performance.now();
    const running = work.run(count);
    // Waiting for what is no promise would add a turn of the event loop to every measurement.
    const own = running instanceof Promise ? await running : running;
    milliseconds.push((own ?? performance.now() - began) / count);
  }
  return milliseconds;
}
