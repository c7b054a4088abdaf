// The loss as a picture: a thin line for each batch, a bold one for each epoch's mean. Knows nothing of models.

import type { TrainingProgress } from "gatewise";

// Room around the lines, in units of the view box.
const LEFT = 44;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 32;

/** Cross-entropy of a coin toss between two classes, in nats: where learning begins. */
const COIN_TOSS = Math.LN2;

type Point = readonly [step: number, loss: number];

/** A chart in an `<svg>` that has a view box; empty at first, and each piece of progress makes it longer. */
export class LossChart {
  readonly #svg: SVGSVGElement;
  readonly #batches: Point[] = [];
  readonly #epochs: Point[] = [];

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
    this.#draw(undefined);
  }

  add({ step, totalSteps, totalEpochs, losses, epochs }: TrainingProgress): void {
    for (const [index, loss] of losses.entries()) this.#batches.push([step - losses.length + index + 1, loss]);
    for (const { epoch, loss } of epochs) this.#epochs.push([(epoch * totalSteps) / totalEpochs, loss]);
    this.#draw(totalSteps);
  }

  #draw(totalSteps: number | undefined): void {
    const { width, height } = this.#svg.viewBox.baseVal;
    const highest = Math.max(1, ...this.#batches.map(([, loss]) => loss));
    const x = (step: number) => LEFT + (step / (totalSteps ?? 1)) * (width - LEFT - RIGHT);
    const y = (loss: number) => height - BOTTOM - (loss / highest) * (height - TOP - BOTTOM);
    const pointsOf = (points: readonly Point[]) =>
      points.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ");
    const rule = (loss: number, kind: string) =>
      shape("line", { class: kind, x1: LEFT, x2: width - RIGHT, y1: y(loss), y2: y(loss) });

    this.#svg.querySelectorAll(":scope > :not(title)").forEach((drawn) => drawn.remove());
    this.#svg.append(
      rule(0, "axis"),
      rule(COIN_TOSS, "coin-toss"),
      label("0", "end", LEFT - 8, y(0) + 4),
      label("ln 2", "end", LEFT - 8, y(COIN_TOSS) + 4),
      label("step 1", "start", LEFT, height - 10),
      label(totalSteps ? `step ${totalSteps}` : "", "end", width - RIGHT, height - 10),
      shape("polyline", { class: "batches", points: pointsOf(this.#batches) }),
      shape("polyline", { class: "epochs", points: pointsOf(this.#epochs) }),
    );
  }
}

function label(text: string, anchor: "start" | "end", x: number, y: number): SVGElement {
  const element = shape("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

function shape(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
