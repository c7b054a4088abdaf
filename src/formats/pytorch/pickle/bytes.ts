// The bytes of a pickle, read one after the other: nothing is read, or made room for, that is not there.

/** The pickle goes on beyond the bytes that are there. */
export class EndOfPickle extends Error {
  override readonly name = "EndOfPickle";
}

/** A line longer than this is no name of a module. */
const LONGEST_LINE = 4096;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class PickleBytes {
  /** Of the next byte. */
  position: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
  }

  /** The next `count` bytes, as a view of them. `count` may be any number that a file can claim. */
  take(count: number): Uint8Array {
    const start = this.#skip(count);
    return this.#bytes.subarray(start, this.position);
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  /** Rounded beyond 2⁵³, where it is the length of nothing. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8), true));
  }

  /** The one number that pickles keep with its highest byte first. */
  f64(): number {
    return this.#view.getFloat64(this.#skip(8), false);
  }

  /** A string of `count` bytes; undefined where they are not UTF-8. */
  string(count: number): string | undefined {
    const bytes = this.take(count);
    try {
      return UTF8.decode(bytes);
    } catch {
      return undefined;
    }
  }

  /** Up to the next newline, which it passes; undefined where that is no line of UTF-8. */
  line(): string | undefined {
    const rest = this.#bytes.subarray(this.position, this.position + LONGEST_LINE);
    const length = rest.indexOf(0x0a);
    if (length < 0 && rest.length < LONGEST_LINE) throw new EndOfPickle();
    if (length < 0) return undefined;
    const line = this.string(length);
    this.position += 1;
    return line;
  }

  /** The byte that comes `ahead` bytes after the next one. */
  peek(ahead: number): number | undefined {
    return this.#bytes[this.position + ahead];
  }

  #skip(count: number): number {
    const start = this.position;
    if (count > this.#bytes.length - start) throw new EndOfPickle();
    this.position = start + count;
    return start;
  }
}
