// A file of which parts are read, each of them whole or not at all.

import type { OpenFile } from "../../file-access.js";
import type { Complaints } from "./complaints.js";

export interface Ranges {
  readonly size: number;
  readonly complaints: Complaints;
  /** Exactly the bytes from `start` to before `end`. @throws {GatewiseError} `invalid_file` where the file ends earlier */
  read(start: number, end: number, at?: string): Promise<Uint8Array<ArrayBuffer>>;
}

export function rangesOf(file: OpenFile, complaints: Complaints): Ranges {
  return {
    size: file.size,
    complaints,
    async read(start, end, at) {
      if (end > file.size) throw complaints.damaged("the file ends before it does: it was cut off, get it again", at);
      const bytes = await file.read(start, end);
      if (bytes.length !== end - start) throw complaints.damaged("the file ended while it was read", at);
      return bytes;
    },
  };
}
