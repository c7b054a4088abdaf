// Writes pickles of protocol 2, with the opcodes that torch.load(weights_only=True) reads. Knows nothing of tensors.

/** Bytes that grow as they are written. */
export class PickleWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;
  readonly #encoder = new TextEncoder();

  constructor() {
    // PROTO 2.
    this.bytes(0x80, 2);
  }

  /** Opcodes, and what goes with them. */
  bytes(...bytes: readonly number[]): void {
    this.#room(bytes.length).set(bytes);
  }

  /** GLOBAL */
  global(module: string, name: string): void {
    this.bytes(0x63);
    this.#text(`${module}\n${name}\n`);
  }

  /** BINUNICODE */
  string(text: string): void {
    const encoded = this.#encoder.encode(text);
    this.bytes(0x58, ...littleEndian(encoded.length, 4));
    this.#room(encoded.length).set(encoded);
  }

  /** A boolean, or None. */
  constant(value: boolean | null): void {
    this.bytes(value === null ? 0x4e : value ? 0x88 : 0x89);
  }

  /** An integer where it is one that f64 holds exactly; else BINFLOAT, of -0 too. */
  number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.integer(value);
      return;
    }
    this.bytes(0x47);
    const target = this.#room(8);
    new DataView(target.buffer, target.byteOffset, 8).setFloat64(0, value, false);
  }

  /** BININT1, BININT2, BININT or LONG1: false beyond the 255 bytes of that. */
  integer(value: number | bigint): boolean {
    if (value < -0x80000000 || value > 0x7fffffff) return this.#long(BigInt(value));
    const small = Number(value);
    if (small >= 0 && small <= 0xff) this.bytes(0x4b, small);
    else if (small >= 0 && small <= 0xffff) this.bytes(0x4d, ...littleEndian(small, 2));
    else this.bytes(0x4a, ...littleEndian(small, 4));
    return true;
  }

  /** All of it, with STOP at the end. */
  finish(): Uint8Array {
    this.bytes(0x2e);
    return this.#bytes.subarray(0, this.#length);
  }

  #long(value: bigint): boolean {
    let count = 1;
    while (count < 256 && BigInt.asIntN(8 * count, value) !== value) count++;
    if (count > 255) return false;
    this.bytes(0x8a, count);
    const target = this.#room(count);
    for (let index = 0; index < count; index++) target[index] = Number(BigInt.asUintN(8, value >> BigInt(8 * index)));
    return true;
  }

  #text(text: string): void {
    const encoded = this.#encoder.encode(text);
    this.#room(encoded.length).set(encoded);
  }

  /** Room for `count` more bytes. */
  #room(count: number): Uint8Array {
    const end = this.#length + count;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    const room = this.#bytes.subarray(this.#length, end);
    this.#length = end;
    return room;
  }
}

function littleEndian(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => (value >>> (8 * index)) & 0xff);
}
