// Training on a terminal: a bar with the epochs' lines above it, or the lines alone. Node only; loaded when it is asked for.

import { SingleBar } from "cli-progress";

import { type Display, type DisplayOrder, type Shown, lineOf } from "../training/display.js";
import type { ProgressStream } from "../training/types.js";

/** The display on stderr, or on the order's stream. */
export function openTerminal({ form, stream = process.stderr }: DisplayOrder): Display {
  return (form ?? (stream.isTTY ? "bar" : "lines")) === "bar" ? new Bar(stream) : new Lines(stream);
}

class Lines implements Display {
  readonly #stream: ProgressStream;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  show({ epochs, totalEpochs }: Shown): void {
    for (const epoch of epochs) this.#stream.write(`${lineOf(epoch, totalEpochs)}\n`);
  }

  stop(): void {}
}

class Bar implements Display {
  readonly #bar: SingleBar;
  #last = "";
  #started = false;

  constructor(stream: ProgressStream) {
    this.#bar = new SingleBar({
      stream: stream as NodeJS.WriteStream,
      format: "{bar} {percentage}%  epoch {epoch}  step {value}/{total}  loss {loss}  {eta_formatted} left{last}",
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 24,
      hideCursor: true,
      etaBuffer: 100,
      // Who asks for a bar gets one, on whatever stream.
      noTTYOutput: true,
      notTTYSchedule: 1000,
      gracefulExit: false,
    });
  }

  show({ step, totalSteps, epoch, totalEpochs, epochs }: Shown, loss: number): void {
    const last = epochs.at(-1);
    if (last) this.#last = `  |  ${lineOf(last, totalEpochs)}`;
    const payload = { epoch: `${epoch}/${totalEpochs}`, loss: loss.toPrecision(4), last: this.#last };
    if (!this.#started) {
      this.#bar.start(totalSteps, step, payload);
      this.#started = true;
    } else {
      this.#bar.setTotal(totalSteps);
      this.#bar.update(step, payload);
    }
  }

  stop(): void {
    this.#bar.stop();
  }
}
