// Taking turns: A B A B …, so that whatever else the machine does meanwhile meets both sides alike. Best, median and the
// spread of the ratio come from here. Knows nothing of workers or engines.

export interface Side {
  /** Milliseconds that a measurement takes at least, however few runs are asked for. */
  readonly shortest: number;
  /** `times` measurements of `count` runs each: milliseconds a run. */
  measure(count: number, times: number): Promise<readonly number[]>;
  /** Called after each turn, before the other's: threads that spin for a while after work must have come to rest. */
  rest(): Promise<void>;
}

export interface Effort {
  /** Milliseconds of work that a side's turn should have, at least one run. */
  readonly turn: number;
  /** Milliseconds of work for all turns of one side. */
  readonly total: number;
  readonly fewestTurns: number;
  readonly mostTurns: number;
}

export const FULL: Effort = { turn: 100, total: 1_500, fewestTurns: 7, mostTurns: 15 };
export const QUICK: Effort = { turn: 40, total: 160, fewestTurns: 4, mostTurns: 4 };

/** Milliseconds that one measurement should take at least: far above what looking at the clock costs. */
const MEASUREMENT = 2;

/** All that was measured, turn by turn: milliseconds a run. */
export type Turns = readonly (readonly number[])[];

/** Measures all sides in turn. The first turn of each only warms up, and tells how long a run takes. */
export async function interleave(sides: readonly Side[], effort: Effort): Promise<Turns[]> {
  const plans = [];
  for (const side of sides) plans.push(await plan(side, effort));
  const slowest = Math.max(...plans.map(({ milliseconds }) => milliseconds));
  const turns = Math.min(effort.mostTurns, Math.max(effort.fewestTurns, Math.ceil(effort.total / slowest)));

  const measured = sides.map((): (readonly number[])[] => []);
  for (let turn = 0; turn < turns; turn++) {
    for (const [index, side] of sides.entries()) {
      const { count, times } = plans[index] ?? { count: 1, times: 1 };
      measured[index]?.push(await side.measure(count, times));
      await side.rest();
    }
  }
  return measured;
}

/** How often to run in a turn, and how long that will take. */
async function plan(side: Side, { turn }: Effort): Promise<{ count: number; times: number; milliseconds: number }> {
  // The first runs load code and fill caches; the clock's own cost hides what short ones take.
  await side.measure(1, 2);
  const [once = 0] = await side.measure(1, 1);
  const several = Math.max(1, Math.min(1_000, Math.ceil(MEASUREMENT / Math.max(once, 1e-3))));
  const [run = 0] = await side.measure(several, 1);
  await side.rest();
  const count = Math.max(1, Math.ceil(Math.max(MEASUREMENT, side.shortest) / Math.max(run, 1e-4)));
  const times = Math.max(1, Math.round(turn / Math.max(run * count, 1e-4)));
  return { count, times, milliseconds: run * count * times };
}

export interface Times {
  readonly best: number;
  readonly median: number;
}

export function timesOf(turns: Turns): Times {
  const all = turns.flat();
  return { best: Math.min(...all), median: quantile(all, 0.5) };
}

export interface Ratio {
  /** Best by best. */
  readonly ratio: number;
  /** Quartiles over the pairs of turns, each by its best. */
  readonly low: number;
  readonly high: number;
}

/** The other side's time ÷ ours. */
export function ratioOf(ours: Turns, theirs: Turns): Ratio {
  const pairs = ours.map((turn, index) => Math.min(...(theirs[index] ?? [])) / Math.min(...turn));
  return { ratio: timesOf(theirs).best / timesOf(ours).best, low: quantile(pairs, 0.25), high: quantile(pairs, 0.75) };
}

/** The part-th quantile, interpolated between neighbours. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * part;
  const [below = NaN, above = below] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  return below + (above - below) * (position - Math.floor(position));
}
