// The checksum of zip's entries (CRC-32 of ISO 3309), which neither browsers nor fflate give. Four bytes a step.

const TABLES = tables();

/** `TABLES[k][b]`: the remainder of byte `b` before `k` bytes of zeros. */
function tables(): readonly Int32Array[] {
  const made = Array.from({ length: 4 }, () => new Int32Array(256));
  const [first, ...others] = made as [Int32Array, ...Int32Array[]];
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
    first[byte] = remainder;
  }
  let previous = first;
  for (const table of others) {
    for (let byte = 0; byte < 256; byte++) table[byte] = ((previous[byte] ?? 0) >>> 8) ^ (first[(previous[byte] ?? 0) & 255] ?? 0);
    previous = table;
  }
  return made;
}

/** The checksum of `bytes`, or of what `before` is the checksum of with `bytes` after it. */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [t0, t1, t2, t3] = TABLES as [Int32Array, Int32Array, Int32Array, Int32Array];
  let crc = ~before;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    crc ^= (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
    crc = (t3[crc & 255] as number) ^ (t2[(crc >>> 8) & 255] as number) ^ (t1[(crc >>> 16) & 255] as number) ^ (t0[crc >>> 24] as number);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[at] as number)) & 255] as number);
  return ~crc >>> 0;
}
