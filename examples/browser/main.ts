// The page: a button trains, another stops, the rest shows how it goes. Gatewise trains in a worker, so nothing here has
// to care about keeping the page alive.

import type { LabelledData, Model } from "gatewise";
import { LossChart } from "./chart.js";
import { type Season, newModel, readDays, train } from "./training.js";

const start = element("start", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const progress = element("progress", HTMLProgressElement);
const svg = element("chart", SVGSVGElement);

async function fetchDays(name: "train" | "test") {
  const response = await fetch(`data/${name}.csv`);
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${response.statusText}`);
  return readDays(await response.text());
}

async function run(signal: AbortSignal): Promise<void> {
  const [training, test] = await Promise.all([fetchDays("train"), fetchDays("test")]);
  const model = await newModel();
  try {
    const { name, isa, threads, reason } = model.backend;
    show("backend", `${name}, ${isa}, ${threads === 1 ? "1 thread" : `${threads} threads`}`, reason);
    const summary = await trainAndShow(model, training, signal);
    await testAndShow(model, test);
    say(...summary);
  } finally {
    model.dispose();
  }
}

async function trainAndShow(model: Model<Season>, days: LabelledData<Season>, signal: AbortSignal) {
  const chart = new LossChart(svg);
  const began = performance.now();
  say("training");
  const { losses, steps, stopped } = await train(model, days, {
    signal,
    onProgress(now) {
      chart.add(now);
      progress.max = now.totalSteps;
      progress.value = now.step;
      const mean = now.epochs.at(-1)?.loss;
      if (mean !== undefined) show("loss", mean.toFixed(4), mean);
    },
  });
  // To the last digit, for whoever compares: the same build and seed give the same losses in Node.
  svg.dataset["losses"] = JSON.stringify(losses);
  return [stopped, `${steps} steps in ${((performance.now() - began) / 1000).toFixed(1)} s`] as const;
}

async function testAndShow(model: Model<Season>, days: LabelledData<Season>) {
  const { samples, accuracy, loss } = await model.evaluate(days);
  show("test-accuracy", `${(100 * accuracy).toFixed(1)} % of ${samples.toLocaleString("en")} days`, accuracy);
  show("test-loss", loss.toFixed(4), loss);
}

/** Shows a result; `value` is the same in full. */
function show(id: string, text: string, value: string | number): void {
  const output = element(id, HTMLOutputElement);
  output.value = text;
  output.dataset["value"] = String(value);
}

const WORDS = { training: "Training …", finished: "Done", early: "Done early", aborted: "Stopped", failed: "Failed" } as const;

function say(state: keyof typeof WORDS, detail?: string): void {
  const status = element("status", HTMLParagraphElement);
  status.dataset["state"] = state;
  status.textContent = detail === undefined ? WORDS[state] : `${WORDS[state]}: ${detail}`;
}

function element<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id) as Element | null;
  if (found instanceof type) return found;
  throw new Error(`the page has no #${id} of the expected kind`);
}

new LossChart(svg);
start.addEventListener("click", async () => {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  stop.addEventListener("click", interrupt);
  for (const output of document.querySelectorAll("output")) output.value = "–";
  progress.value = 0;
  [start.disabled, stop.disabled] = [true, false];
  stop.focus(); // a disabled button would lose the keyboard's focus
  try {
    await run(interruption.signal);
  } catch (error) {
    say("failed", error instanceof Error ? error.message : String(error));
  } finally {
    stop.removeEventListener("click", interrupt);
    [start.disabled, stop.disabled] = [false, true];
    start.focus();
  }
});
