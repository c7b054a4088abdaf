// CSV's grammar (RFC 4180, and what is around it): bytes to the places of fields. Knows nothing of what fields hold.
//
// Lines end with LF, CR LF or CR. A field that begins with a quotation mark ends with one; two of them in it are one, and
// delimiters and line ends in it are text. A quotation mark within any other field is text.

const [LF, CR] = [10, 13] as const;

/** A record that breaks the grammar. */
export class CsvFault extends Error {
  /** Fields of the record before the one at fault. */
  readonly column: number;
  /** Line ends of the record before the fault. */
  readonly lines: number;

  constructor(message: string, column: number, lines: number) {
    super(message);
    this.column = column;
    this.lines = lines;
  }
}

/** What `record` gives where the bytes end before the record does. */
export const INCOMPLETE = -1;

export class CsvScanner {
  /**
   * Of each field that was read since `clear`, where it starts and ends, without its quotation marks; the start is `~start`
   * where there are two quotation marks for one in it.
   */
  bounds = new Int32Array(1 << 14);
  fields = 0;
  /** Line ends in quoted fields of the last record. */
  lines = 0;
  readonly #delimiter: number;
  readonly #quote: number;

  /** @param delimiter and @param quote bytes below 128 */
  constructor(delimiter: number, quote: number) {
    this.#delimiter = delimiter;
    this.#quote = quote;
  }

  clear(): void {
    this.fields = 0;
  }

  /**
   * Reads the record that begins at `start`, and adds its fields.
   *
   * @param end where the bytes that are there end
   * @param final whether that is the end of the file
   * @returns where the next record begins, or `INCOMPLETE`: then nothing was added
   * @throws {CsvFault}
   */
  record(bytes: Uint8Array, start: number, end: number, final: boolean): number {
    const delimiter = this.#delimiter;
    const before = this.fields;
    this.lines = 0;
    let at = start;
    for (;;) {
      const quoted = at < end && bytes[at] === this.#quote;
      if (quoted) {
        at = this.#quoted(bytes, at, end, final, before);
      } else {
        const from = at;
        at = endOfField(bytes, at, end, delimiter);
        this.#add(from, at);
      }
      if (at < 0 || (at === end && !final)) break;
      if (at === end) return end;
      const byte = bytes[at];
      at++;
      if (byte === delimiter) continue;
      if (byte === LF) return at;
      // CR, and an LF that may come with it.
      if (at === end && !final) break;
      return bytes[at] === LF && at < end ? at + 1 : at;
    }
    this.fields = before;
    return INCOMPLETE;
  }

  #add(start: number, end: number): void {
    if (this.fields * 2 === this.bounds.length) {
      const larger = new Int32Array(this.bounds.length * 2);
      larger.set(this.bounds);
      this.bounds = larger;
    }
    this.bounds[this.fields * 2] = start;
    this.bounds[this.fields * 2 + 1] = end;
    this.fields++;
  }

  /** Reads a quoted field; returns what follows its last quotation mark, or `INCOMPLETE`. */
  #quoted(bytes: Uint8Array, start: number, end: number, final: boolean, before: number): number {
    const quote = this.#quote;
    const opened = this.lines;
    let doubled = false;
    let at = start + 1;
    for (; ; at++) {
      if (at >= end) {
        if (!final) return INCOMPLETE;
        throw this.#fault("a quoted field does not end: the file ends early, or a quotation mark is missing", before, opened);
      }
      const byte = bytes[at] as number;
      if (byte === LF || (byte === CR && bytes[at + 1] !== LF)) this.lines++;
      if (byte !== quote) continue;
      if (bytes[at + 1] !== quote || at + 1 >= end) break;
      doubled = true;
      at++;
    }
    const after = at + 1 < end ? bytes[at + 1] : undefined;
    if (after === undefined && !final) return INCOMPLETE;
    if (after !== undefined && after !== this.#delimiter && after !== LF && after !== CR) {
      throw this.#fault("text follows the quotation mark that ends a field: within quoted fields write two for each one", before, this.lines);
    }
    this.#add(doubled ? ~(start + 1) : start + 1, at);
    return at + 1;
  }

  #fault(message: string, before: number, lines: number): CsvFault {
    return new CsvFault(message, this.fields - before, lines);
  }
}

/** Where a field without quotation marks ends. */
function endOfField(bytes: Uint8Array, start: number, end: number, delimiter: number): number {
  const highest = delimiter > CR ? delimiter : CR;
  let at = start;
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    // Most characters are above all three: one comparison for them.
    if (byte <= highest && (byte === delimiter || byte === LF || byte === CR)) break;
  }
  return at;
}
