// Which customers are learned from, which choose the settings, and which are the test. Knows nothing of the model.
//
// The test stands where a shop would stand: it knows everything up to 2011-09-16 and asks about the 12 weeks after.
// So every label that training or validation sees must be known by that day: the last training cut-off is 12 weeks
// before it. Labels of neighbouring training cut-offs share weeks, so a later cut-off would not be an independent
// validation set: customers are held out instead, each with all of their cut-offs.

import type { Invoice } from "./invoices.js";
import { samplesAt, type Sample } from "./sequences.js";

export const TRAINING_CUT_OFFS = ["2011-04-01", "2011-05-01", "2011-06-01", "2011-06-24"] as const;

/** The last day for which the data hold all of the 12 weeks that follow: they end with 2011-12-08. */
export const TEST_CUT_OFF = "2011-09-16";

export interface Split {
  readonly training: Sample[];
  readonly validation: Sample[];
  readonly test: Sample[];
}

/** Throws when a part would be empty: the dates above are those of the UCI data. */
export function splitSamples(invoices: readonly Invoice[]): Split {
  const known = TRAINING_CUT_OFFS.flatMap((date) => samplesAt(invoices, Date.parse(date)));
  const split = {
    training: known.filter((sample) => !isHeldOut(sample.customer)),
    validation: known.filter((sample) => isHeldOut(sample.customer)),
    test: samplesAt(invoices, Date.parse(TEST_CUT_OFF)),
  };
  for (const [part, samples] of Object.entries(split)) {
    if (samples.length === 0)
      throw new Error(`no customers for ${part}: are there orders before ${TRAINING_CUT_OFFS[0]}?`);
  }
  return split;
}

/** One customer in five. Their numbers say nothing about how they buy, and the choice survives a change of the data. */
function isHeldOut(customer: number): boolean {
  return customer % 5 === 0;
}
