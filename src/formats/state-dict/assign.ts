// Things given to places, as well as they fit, where there is one best way. Knows nothing of what they are.

/** Ways that are looked at before it is said that there is no telling. */
const MOST_WAYS = 20_000;

/**
 * The one way to give each place one item, or none, whose scores add up to most.
 *
 * @param score how well an item fits a place, above 0; undefined where it does not at all
 * @returns [places] the index of an item or undefined; undefined where several ways are as good, or there are too many to tell
 */
export function bestAssignment(
  places: number,
  items: number,
  score: (place: number, item: number) => number | undefined,
): (number | undefined)[] | undefined {
  let best = { total: -1, ties: 0, chosen: [] as (number | undefined)[] };
  let left = MOST_WAYS;
  const given: (number | undefined)[] = [];
  const choose = (place: number, total: number): void => {
    if (left-- <= 0) return;
    if (place === places) {
      if (total > best.total) best = { total, ties: 0, chosen: [...given] };
      else if (total === best.total) best.ties++;
      return;
    }
    for (let item = 0; item < items; item++) {
      const gain = given.includes(item) ? undefined : score(place, item);
      if (gain === undefined) continue;
      given.push(item);
      choose(place + 1, total + gain);
      given.pop();
    }
    given.push(undefined);
    choose(place + 1, total);
    given.pop();
  };
  choose(0, 0);
  return left > 0 && best.ties === 0 ? best.chosen : undefined;
}

/**
 * The one order of all items in which each fits after those before it.
 *
 * @returns the order; `"none"`, or `"several"` where there are more, or too many to tell
 */
export function onlyOrder<Item>(items: readonly Item[], fits: (before: readonly Item[], next: Item) => boolean): Item[] | "none" | "several" {
  const found: Item[][] = [];
  let left = MOST_WAYS;
  const extend = (order: readonly Item[]): void => {
    if (left-- <= 0 || found.length > 1) return;
    if (order.length === items.length) {
      found.push([...order]);
      return;
    }
    for (const next of items) if (!order.includes(next) && fits(order, next)) extend([...order, next]);
  };
  extend([]);
  const [only, ...others] = found;
  if (others.length > 0 || left <= 0) return "several";
  return only ?? "none";
}
