// How far two series are from each other: step by step, or along the path that warps time the best. Knows nothing of classes.

/**
 * The squared Euclidean distance of two series, over all channels. Where one is longer, its end is left out.
 *
 * @param a [length, channels]
 * @param b [length, channels]
 * @param limit as soon as the distance reaches it, Infinity is given instead
 */
export function squaredEuclidean(a: Float64Array, b: Float64Array, limit = Infinity): number {
  const shorter = Math.min(a.length, b.length);
  let sum = 0;
  for (let i = 0; i < shorter; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    sum += difference * difference;
    if (sum >= limit) return Infinity;
  }
  return sum;
}

/** What `dtwDistance` may leave undone. */
export interface DtwOptions {
  /** Numbers a step. 1 unless given. */
  readonly channels?: number | undefined;
  /** How many steps the path may leave the diagonal by (Sakoe and Chiba 1978). Any number unless given. */
  readonly radius?: number | undefined;
  /** As soon as the distance is sure to reach it, Infinity is given instead. */
  readonly limit?: number | undefined;
}

/**
 * Dynamic time warping: the least sum of squared distances between steps along a path through both series. All channels are
 * warped alike ("dependent", Shokoohi-Yekta et al. 2017). The root is not taken.
 *
 * @param a [length, channels]
 * @param b [length, channels], which may be longer or shorter
 */
export function squaredDtw(a: Float64Array, b: Float64Array, options: DtwOptions = {}): number {
  const { channels = 1, limit = Infinity } = options;
  const [rows, columns] = [a.length / channels, b.length / channels];
  // A narrower band would not reach the other corner.
  const radius = Math.max(options.radius ?? Infinity, Math.abs(rows - columns));
  let above = new Float64Array(columns + 1).fill(Infinity);
  let row = new Float64Array(columns + 1);
  above[0] = 0;
  for (let i = 0; i < rows; i++) {
    const from = Math.max(0, i - radius);
    const to = Math.min(columns, i + radius + 1);
    const least = fillRow({ a, b, channels, i, from, to, above, row });
    if (least >= limit) return Infinity;
    [above, row] = [row, above];
  }
  return above[columns] as number;
}

interface Row {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly channels: number;
  readonly i: number;
  /** The columns of the band, `to` not among them. */
  readonly from: number;
  readonly to: number;
  /** [columns + 1] The row before, one place to the right. */
  readonly above: Float64Array;
  readonly row: Float64Array;
}

/** Fills a row of accumulated distances; gives the least of them, which no path through the row can undercut. */
function fillRow({ a, b, channels, i, from, to, above, row }: Row): number {
  row.fill(Infinity, 0, from + 1);
  row.fill(Infinity, to + 1);
  let least = Infinity;
  let left = Infinity;
  for (let j = from; j < to; j++) {
    let cost = 0;
    for (let c = 0; c < channels; c++) {
      const difference = (a[i * channels + c] as number) - (b[j * channels + c] as number);
      cost += difference * difference;
    }
    const [diagonal, up] = [above[j] as number, above[j + 1] as number];
    const before = diagonal < up ? diagonal : up;
    left = cost + (left < before ? left : before);
    row[j + 1] = left;
    if (left < least) least = left;
  }
  return least;
}
