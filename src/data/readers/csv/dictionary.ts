// Names by their bytes: each gets the number of its first appearance, and only then becomes a string. Knows nothing of files.

/** The code of what is missing. */
const NONE = -1;

/** A hash table of byte strings, with open addressing. */
export class Dictionary {
  /** In order of first appearance. */
  readonly names: string[] = [];
  readonly #decoder: TextDecoder;
  /** Every entry's bytes, one after the other. */
  #arena: Uint8Array = new Uint8Array(4096);
  #used = 0;
  /** [entries] Where its bytes begin and how many they are, its hash, its code. */
  #starts = new Int32Array(64);
  #lengths = new Int32Array(64);
  #hashes = new Int32Array(64);
  #codes = new Int32Array(64);
  #entries = 0;
  /** An entry plus 1, or 0 where there is none; the size is a power of two, at least twice the entries. */
  #slots = new Int32Array(256);

  /**
   * @param decoder makes strings of bytes, and throws where they are none
   * @param missing what gets the code −1
   */
  constructor(decoder: TextDecoder, missing: readonly string[]) {
    this.#decoder = decoder;
    const encoder = new TextEncoder();
    for (const word of missing) {
      const bytes = encoder.encode(word);
      this.#add(bytes, 0, bytes.length, hashOf(bytes, 0, bytes.length), NONE);
    }
  }

  /** The code of these bytes: a new one where they appear for the first time. @throws TypeError where they are no text */
  codeOf(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry < 0) break;
      if (this.#hashes[entry] === hash && this.#equals(entry, bytes, start, end)) return this.#codes[entry] as number;
    }
    const code = this.names.push(this.#decoder.decode(bytes.subarray(start, end))) - 1;
    this.#add(bytes, start, end, hash, code);
    return code;
  }

  #equals(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (this.#lengths[entry] !== length) return false;
    const arena = this.#arena;
    const from = this.#starts[entry] as number;
    for (let at = 0; at < length; at++) if (arena[from + at] !== bytes[start + at]) return false;
    return true;
  }

  #add(bytes: Uint8Array, start: number, end: number, hash: number, code: number): void {
    const length = end - start;
    if (this.#used + length > this.#arena.length) this.#arena = grown(this.#arena, this.#used + length, Uint8Array);
    if (this.#entries === this.#starts.length) this.#growEntries();
    if (this.#entries * 2 >= this.#slots.length) this.#growSlots();
    const entry = this.#entries++;
    this.#arena.set(bytes.subarray(start, end), this.#used);
    this.#starts[entry] = this.#used;
    this.#lengths[entry] = length;
    this.#hashes[entry] = hash;
    this.#codes[entry] = code;
    this.#used += length;
    this.#place(entry);
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#hashes[entry] as number) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #growEntries(): void {
    const size = this.#starts.length * 2;
    this.#starts = grown(this.#starts, size, Int32Array);
    this.#lengths = grown(this.#lengths, size, Int32Array);
    this.#hashes = grown(this.#hashes, size, Int32Array);
    this.#codes = grown(this.#codes, size, Int32Array);
  }

  #growSlots(): void {
    this.#slots = new Int32Array(this.#slots.length * 4);
    for (let entry = 0; entry < this.#entries; entry++) this.#place(entry);
  }
}

/** FNV-1a over the bytes, its bits mixed at the end: the lowest ones choose the slot. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = -2128831035;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 16777619);
  hash ^= hash >>> 15;
  return Math.imul(hash, -2048144789) | 0;
}

/** A larger copy: twice as large, or as large as is needed. */
export function grown<Values extends Uint8Array | Int32Array | Float64Array>(
  values: Values,
  needed: number,
  Kind: new (size: number) => Values,
): Values {
  const larger = new Kind(Math.max(needed, values.length * 2));
  larger.set(values);
  return larger;
}
