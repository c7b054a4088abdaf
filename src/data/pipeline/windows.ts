// Which steps make a sample. Knows nothing of what stands in them.

import { GatewiseError } from "../../errors.js";
import type { GroupId, Grouped } from "./groups.js";
import type { Definition } from "./definition.js";
import type { OneSeries, Series } from "./series.js";

/** Samples: steps `from` to `to` of all of a table's. */
export interface Samples {
  readonly n: number;
  /** [n] The index of the series in `Series.each`. */
  readonly series: Uint32Array;
  /** [n] */
  readonly from: Uint32Array;
  /** [n] The step after the last. */
  readonly to: Uint32Array;
}

/** How a sample's end is chosen. */
export interface Ends {
  /** One sample a series, that of its end. */
  readonly latest: boolean;
  /** How far after `inputs` steps of a series the target knows what it needs; throws where that is an error. */
  readonly isKnown: (series: OneSeries, inputs: number) => boolean;
}

/** The samples of all series. @throws {GatewiseError} `empty_data` where a group is too short for one */
export function samplesOf({ each }: Series, grouped: Grouped, { window }: Definition, { latest, isKnown }: Ends): Samples {
  const [series, from, to]: [number[], number[], number[]] = [[], [], []];
  for (const [index, one] of each.entries()) {
    const before = series.length;
    for (const end of endsOf(one, window, latest, isKnown)) {
      series.push(index);
      from.push(one.offset + Math.max(0, end - (window.size ?? end)));
      to.push(one.offset + end);
    }
    if (series.length === before && window.short === "error") throw tooShort(grouped.ids[one.group] ?? null, one.inputs, window);
  }
  if (series.length === 0) throw new GatewiseError("empty_data", "window", "no group has steps enough for a sample: make the window smaller");
  return { n: series.length, series: Uint32Array.from(series), from: Uint32Array.from(from), to: Uint32Array.from(to) };
}

/** After how many steps of a series its samples end. */
function endsOf(one: OneSeries, window: Definition["window"], latest: boolean, isKnown: Ends["isKnown"]): number[] {
  const { size, stride, prefixes, minimum } = window;
  const shortest = prefixes || size === undefined || one.cutOff !== undefined ? minimum : Math.max(minimum, size);
  if (latest || one.cutOff !== undefined) return one.inputs >= shortest && isKnown(one, one.inputs) ? [one.inputs] : [];
  if (size === undefined) {
    // All of the group, but for the steps that its target needs.
    for (let end = one.inputs; end >= shortest; end--) if (isKnown(one, end)) return [end];
    return [];
  }
  const ends: number[] = [];
  for (let end = shortest; end <= one.inputs && isKnown(one, end); end += stride) ends.push(end);
  return ends;
}

function tooShort(group: GroupId, steps: number, { size, minimum }: Definition["window"]): GatewiseError {
  const name = group === null ? "the table" : `group ${JSON.stringify(group)}`;
  const wanted = size === undefined ? `${minimum}` : `${Math.max(minimum, size)}`;
  const message =
    `${name} has ${steps} steps, too few for a sample of ${wanted} and its target: make the window smaller, keep shorter ones ` +
    `with window.prefixes, or leave such groups out with window.short: "skip"`;
  return new GatewiseError("empty_data", group === null ? "groups" : `groups.${group}`, message);
}

/** [steps] 1 for every step that a sample reads. */
export function coveredSteps({ steps }: Series, samples: Samples): Uint8Array {
  const covered = new Uint8Array(steps);
  for (let sample = 0; sample < samples.n; sample++) covered.fill(1, samples.from[sample], samples.to[sample]);
  return covered;
}
