// What a tuning came to: the trials, a table and a picture of them.

import type { OutputDefinition } from "../model/outputs.js";
import { tableOf } from "./table.js";
import type { Trial, TuningRecord } from "./types.js";

/** What `tune` resolves with. Its own fields are plain data: JSON holds them all. */
export class TuningResult<Out extends OutputDefinition = OutputDefinition> implements TuningRecord<Out> {
  readonly stopped: TuningRecord["stopped"];
  readonly search: TuningRecord["search"];
  readonly objective: TuningRecord["objective"];
  readonly space: TuningRecord["space"];
  readonly rungs: TuningRecord["rungs"];
  readonly trials: readonly Trial<Out>[];

  constructor({ stopped, search, objective, space, rungs, trials }: TuningRecord<Out>) {
    this.stopped = stopped;
    this.search = search;
    this.objective = objective;
    this.space = space;
    this.rungs = rungs;
    this.trials = trials;
  }

  /**
   * The winner: of the trials that got farthest the one with the best value. Undefined where none came to the end of a rung, as
   * after an early abort.
   */
  get best(): Trial<Out> | undefined {
    const [first] = this.trials;
    return first?.value === undefined ? undefined : first;
  }

  /** A table in plain text, a trial a line, the best first; failed ones with their reasons. */
  toTable(): string {
    return tableOf(this);
  }

  /**
   * A picture: the objective over each parameter, and the learning curves of each rung. SVG of its own, without scripts.
   *
   * @throws {GatewiseError} `missing_package` where `@observablehq/plot` or `linkedom`, which draw it, are not installed
   */
  async toSvg(): Promise<string> {
    const { pictureOf } = await import("./picture.js");
    return pictureOf(this);
  }
}
