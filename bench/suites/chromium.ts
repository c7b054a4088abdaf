// Our WebAssembly and its peers in headless Chromium: one page, one thread each, in turns.

import { join } from "node:path";

import { createModel, defineModel } from "gatewise";
import type { Page } from "playwright-core";

import { findChromium } from "../../scripts/setup/chromium.mjs";
import { launchChromium, openPage } from "../../test/browser/chromium.js";
import type { Row } from "../rows.js";
import { CLASSES, type Shape, nameOf, shape } from "../shapes.js";
import type { Context, Suite } from "../suite.js";
import { type Target, targetOf } from "../targets.js";
import { onnxModel } from "../workers/onnx-graph.js";
import { definitionOf } from "./chromium/definition.js";
import type { PageFunctions } from "./chromium/page.js";
import { serve } from "./chromium/site.js";
import { rowOf } from "./row.js";
import { comparison } from "./statistics.js";

const SUITE = "chromium";

/** What is measured in the page. */
interface Job {
  readonly operation: "inference" | "training step";
  readonly peer: "tfjs" | "onnxruntime-web";
  readonly shape: Shape;
  readonly turns: number;
  /** In a quick run too, with a quarter of the turns. */
  readonly quick: boolean;
}

const HOW = { threads: 1, backend: "wasm" } as const;

const SMALL = shape(64, 28, 28, 128);
const JOBS: readonly Job[] = [
  { operation: "training step", peer: "tfjs", shape: SMALL, turns: 20, quick: true },
  { operation: "training step", peer: "tfjs", shape: shape(32, 100, 16, 128), turns: 8, quick: false },
  { operation: "inference", peer: "tfjs", shape: SMALL, turns: 30, quick: true },
  { operation: "inference", peer: "onnxruntime-web", shape: SMALL, turns: 60, quick: true },
  { operation: "inference", peer: "onnxruntime-web", shape: shape(64, 128, 64, 256), turns: 10, quick: false },
];

/**
 * How far apart results may be. Inference: probabilities of two f32 engines, whose sums of up to 320 products round to
 * 1e-7 a step. Training: a weight's first step over the learning rate is g / (|g| + 1e-3) with Adam's epsilon of 1e-3, so
 * that an error of g counts at most a thousandfold; gradients of up to 0.1 round to 1e-8, their sums to ten times that.
 */
const BOUNDS = { inference: 1e-5, "training step": 1e-3 } as const;

export const chromium: Suite = {
  name: SUITE,
  async *run(context) {
    const { options, peers, wanted } = context;
    const jobs = JOBS.filter((job) => wanted(SUITE, nameOf(job.shape), job.peer) && (job.quick || !options.quick));
    if (findChromium() === undefined) {
      for (const job of jobs) yield { ...unmeasured(job), note: "missing: there is no Chromium; GATEWISE_CHROMIUM can name one" };
      return;
    }
    for (const job of jobs) {
      const peer = peers[job.peer];
      if (!peer.available) yield { ...unmeasured(job), note: peer.reason };
    }
    const possible = jobs.filter((job) => peers[job.peer].available);
    if (possible.length > 0) yield* measureAll(context, possible);
  },
};

async function* measureAll({ options, peers, log }: Context, jobs: readonly Job[]): AsyncGenerator<Row> {
  const [folder] = jobs.flatMap(({ peer }) => ("location" in peers[peer] ? [peers[peer].location] : []));
  const site = await serve(join(folder ?? "", "node_modules"), await onnxModels(jobs));
  const browser = await launchChromium();
  try {
    const { page, complaints } = await openPage(browser, site.url);
    await page.waitForFunction(() => "measureInference" in globalThis, null, { timeout: 30_000 }).catch(() => {
      throw new Error(`the page does not get ready: ${complaints.join("; ")}`);
    });
    for (const job of jobs) {
      log(`${SUITE}: ${job.operation} ${nameOf(job.shape)} against ${job.peer}`);
      yield await measure(page, { ...job, turns: options.quick ? Math.ceil(job.turns / 4) : job.turns });
    }
  } finally {
    await browser.close();
    await site.close();
  }
}

/** A file for each shape that onnxruntime-web runs, by its path. The same definition gives the weights that the page has. */
async function onnxModels(jobs: readonly Job[]): Promise<Map<string, Uint8Array>> {
  const models = new Map<string, Uint8Array>();
  for (const { shape } of jobs.filter(({ peer }) => peer === "onnxruntime-web")) {
    const model = await createModel(defineModel(definitionOf(shape)), { backend: "wasm" });
    const tensors = new Map(Object.entries(model.parameters()));
    models.set(`/${nameOf(shape)}.onnx`, onnxModel({ shape, classes: CLASSES, tensors, states: false }));
    model.dispose();
  }
  return models;
}

async function measure(page: Page, job: Job): Promise<Row> {
  const { ours, peer, difference } = await page.evaluate(({ operation, peer, shape, turns }) => {
    const functions = globalThis as unknown as PageFunctions;
    if (operation === "inference") return functions.measureInference(shape, peer, turns);
    return functions.measureTraining(shape, turns);
  }, job);
  if (!(difference <= BOUNDS[job.operation])) {
    return { ...unmeasured(job), failure: `results are ${difference} apart, not at most ${BOUNDS[job.operation]}` };
  }
  const compared = comparison(ours, peer);
  return { ...unmeasured(job), ...compared, met: targetFor(job)?.met({ ratio: compared.ratio }) ?? null };
}

/** The job's row before anything was measured. */
function unmeasured(job: Job): Row {
  const { operation, peer, shape } = job;
  const target = targetFor(job)?.text ?? null;
  return rowOf({ suite: SUITE, operation, shape: nameOf(shape), ...HOW, isa: "simd128", peer, target });
}

function targetFor(job: Job): Target | undefined {
  return targetOf({ ...job, ...HOW });
}
