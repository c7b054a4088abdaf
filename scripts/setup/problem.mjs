// The one kind of failure that set-up reports without a stack: what is wrong, and the command that puts it right.

/** Something that the reader has to put right. */
export class Problem extends Error {
  /**
   * @param {string} what One sentence.
   * @param {string} [remedy] What to run or do, several lines if need be.
   */
  constructor(what, remedy) {
    super(remedy ? `${what}\n${remedy.replace(/^/gm, "    ")}` : what);
    this.name = "Problem";
  }
}
