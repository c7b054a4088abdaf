// Trains an LSTM on real orders and shows how well it tells which customers will order again.
//   npm run demo

import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Presets, SingleBar } from "cli-progress";
import { createModel, defineModel, GatewiseError, loadModel, type History, type Model } from "gatewise";
import { selectRows, type Table } from "gatewise/data";
import { compareOnTest, type Comparison } from "./comparison.js";
import { numbers, ordersByCustomer, readInvoices } from "./invoices.js";
import { OptionError, readOptions, USAGE, type Options } from "./options.js";
import { lossAndRocSvg } from "./plot.js";
import { describeData, describePrediction, epochTable, scoreReport } from "./report.js";
import { CLASSES, pipeline, type Label } from "./sequences.js";
import { splitSamples, TEST_CUT_OFF, type Split } from "./split.js";

const definition = defineModel({
  input: { features: pipeline.definition.features.length },
  layers: [{ cell: "lstm", units: 32 }],
  output: { classes: CLASSES },
  seed: 7,
});

// Chosen, as were the units and the features, by validation: on held-out customers, and on cut-offs of which the later
// is to the earlier what the test is to the training.
const TRAINING = { batchSize: 64, optimizer: { kind: "adam", learningRate: 5e-4 }, clipNorm: 1 } as const;

async function run(options: Options): Promise<void> {
  const started = performance.now();
  const { backend, threads } = options;
  const { invoices, split } = await readSplit(options.data);

  const model = await createModel(definition, { backend, threads });
  const { name, isa, threads: used, reason } = model.backend;
  console.log(`\nBackend ${name}, instruction set ${isa}, threads ${used}: ${reason}.`);

  const trainingStarted = performance.now();
  const history = await train(model, split, options.epochs);
  const trainingSeconds = secondsSince(trainingStarted);
  if (history.stopped === "aborted") {
    console.log("Stopped before the end: nothing was written.");
    process.exitCode = 130; // as shells report an end by Ctrl-C
    return;
  }
  console.log(`Trained for ${history.steps} steps in ${trainingSeconds.toFixed(1)} s.\n`);
  console.log(epochTable(history.epochs));

  const comparison = await compareOnTest(model, invoices, split);
  console.log(`\n${scoreReport(comparison)}\n`);

  const file = await write(options.output, model, history, comparison);
  model.dispose();
  await predictOne(file, invoices, options);

  const seconds = secondsSince(started);
  console.log(`All of it took ${seconds.toFixed(1)} s.`);
  if (options.json)
    console.log(JSON.stringify({ backend: name, isa, threads: used, seconds, ...summary(history, comparison) }));
}

async function readSplit(file: string): Promise<{ invoices: Table; split: Split }> {
  try {
    const invoices = await readInvoices(file);
    const split = splitSamples(invoices);
    console.log(describeData(invoices, split));
    return { invoices, split };
  } catch (error) {
    throw new OptionError(`--data: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Shows a progress bar. The first Ctrl-C ends the training, a second one the program. */
async function train(model: Model<Label>, { training, validation }: Split, epochs: number): Promise<History> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once("SIGINT", interrupt);
  const format = "Training {bar} {percentage} %   epoch {epoch} of {epochs}   loss {loss}";
  const bar = new SingleBar({ format }, Presets.shades_classic);
  bar.start(1, 0, { epoch: 1, epochs, loss: "" });
  try {
    return await model.fit(training, {
      ...TRAINING,
      epochs,
      validation,
      signal: interruption.signal,
      onProgress: ({ step, totalSteps, epoch, losses }) => {
        bar.setTotal(totalSteps);
        bar.update(step, { epoch, loss: losses.at(-1)?.toFixed(3) ?? "" });
      },
    });
  } finally {
    bar.stop();
    process.removeListener("SIGINT", interrupt);
  }
}

/** Writes the model and the picture; returns the model's path. */
async function write(directory: string, model: Model<Label>, history: History, { roc, lstm, logistic }: Comparison): Promise<string> {
  const stepsPerEpoch = history.steps / history.epochs.length;
  const validation = history.epochs.map((report) => ({
    step: report.epoch * stepsPerEpoch,
    loss: report.validation?.loss ?? NaN,
  }));
  const [file, picture] = [join(directory, "orders.safetensors"), join(directory, "orders.svg")];
  mkdirSync(directory, { recursive: true });
  await model.save(file);
  writeFileSync(picture, lossAndRocSvg({ losses: history.losses, validation, roc, auc: { lstm: lstm.auc, logistic: logistic.auc } }));
  console.log(`Wrote ${relative(".", file)} and ${relative(".", picture)}.`);
  return file;
}

/** What a server would do: load the file, ask about a customer, whose invoices it has as they are. */
async function predictOne(file: string, invoices: Table, { backend, threads }: Options): Promise<void> {
  const cutOff = Date.parse(TEST_CUT_OFF);
  const [customer, orders] = [...ordersByCustomer(invoices)].find(([, orders]) => (orders[4]?.time ?? Infinity) < cutOff) ?? [];
  if (customer === undefined || orders === undefined) return;
  const own = [...numbers(invoices, "customer").entries()].filter(([, number]) => number === customer).map(([row]) => row);
  const model = await loadModel<Label>(file, { backend, threads });
  const [found] = await model.predict({ rows: selectRows(invoices, own), cutOffs: cutOff });
  model.dispose();
  if (found) console.log(`Read the model back and asked: ${describePrediction(found, orders)}`);
}

function summary(history: History, { lstm, majority, logistic }: Comparison) {
  return {
    epochs: history.epochs.length,
    losses: history.losses.slice(0, 20),
    test: { accuracy: lstm.accuracy, balancedAccuracy: lstm.balancedAccuracy, auc: lstm.auc, f1: lstm.f1 },
    baselines: {
      majority: { accuracy: majority.accuracy },
      logistic: { accuracy: logistic.accuracy, auc: logistic.auc },
    },
  };
}

function secondsSince(time: number): number {
  return (performance.now() - time) / 1000;
}

/** Mistakes in the options end with code 2, what the machine lacks with code 1; anything else is a defect. */
function explain(error: unknown): void {
  const badOption = error instanceof OptionError || (error instanceof GatewiseError && error.code === "invalid_option");
  if (!badOption && !(error instanceof GatewiseError)) throw error;
  console.error(`${error.message}\nnpm run demo -- --help lists the options.`);
  process.exitCode = badOption ? 2 : 1;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") console.log(USAGE);
  else await run(options);
} catch (error) {
  explain(error);
}
