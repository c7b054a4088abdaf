// Which customers are learned from, which choose the settings, and which are the test. Knows nothing of the model.
//
// The test stands where a shop would stand: it knows everything up to 2011-09-16 and asks about the 12 weeks after.
// So every label that training or validation sees must be known by that day: the last training cut-off is 12 weeks
// before it. Labels of neighbouring training cut-offs share weeks, so a later cut-off would not be an independent
// validation set: customers are held out instead, each with all of their cut-offs.

import { checkLeaks, rowKeys, selectRows, splitByGroup, type Table } from "gatewise/data";
import { pipeline, type Samples } from "./sequences.js";

export const TRAINING_CUT_OFFS = ["2011-04-01", "2011-05-01", "2011-06-01", "2011-06-24"] as const;

/** The last day for which the data hold all of the 12 weeks that follow: they end with 2011-12-08. */
export const TEST_CUT_OFF = "2011-09-16";

export interface Split {
  readonly training: Samples;
  readonly validation: Samples;
  readonly test: Samples;
}

/** Throws when a part would be empty, or the data end before a label is known: the dates above are those of the UCI data. */
export function splitSamples(invoices: Table): Split {
  const rows = splitByGroup(rowKeys(invoices, { group: "customer" }), { validation: isHeldOut });
  const known = selectRows(invoices, rows.training);
  const past = { cutOffs: TRAINING_CUT_OFFS, knownUntil: TEST_CUT_OFF };
  const fitted = pipeline.fit(known, past);
  const split = {
    training: fitted.apply(known, past),
    validation: fitted.apply(selectRows(invoices, rows.validation), past),
    test: fitted.apply(invoices, { cutOffs: TEST_CUT_OFF }),
  };
  const { training, validation, test } = split;
  checkLeaks({ training, validation }, { by: "group" });
  checkLeaks({ training, test }, { by: "time" });
  return split;
}

/** One customer in five. Their numbers say nothing about how they buy, and the choice survives a change of the data. */
function isHeldOut(customer: unknown): boolean {
  return Number(customer) % 5 === 0;
}
