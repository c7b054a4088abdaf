// The record batches of an Arrow file, of which the bytes of some columns can be read alone; and those of a stream, which is read as a
// whole. apache-arrow decodes; this decides which bytes it gets. Knows nothing of tables.

import type { AsyncRecordBatchFileReader, DataType, RecordBatch, RecordBatchFileReader, RecordBatchReader, Schema } from "apache-arrow";

import type { SeekableFile } from "./source.js";

type Arrow = typeof import("apache-arrow");

/** Where record batches begin, and how they are read: one at a time. */
export interface Batches {
  readonly schema: Schema;
  /** The first row of each. */
  readonly starts: readonly number[];
  readonly rows: number;
  /** A batch in which these columns are as in the file, and what others hold is not to be looked at. */
  read(index: number, columns: ReadonlySet<string>): Promise<RecordBatch | null>;
}

/** Reads the schema, and how many rows each batch has. */
export async function openBatches(arrow: Arrow, file: SeekableFile): Promise<Batches> {
  const handle = new Handle(file);
  const reader = await arrow.RecordBatchReader.from(handle as unknown as Parameters<typeof RecordBatchReader.from>[0]);
  await reader.open({ autoDestroy: false });
  if (!reader.schema) throw new Error("there is no schema in it");
  return reader.isFile() ? seekable(arrow, file, handle, reader) : streamed(reader);
}

/** Bytes from `start` to before `end` of a file. */
type Range = readonly [start: number, end: number];

/** A file as apache-arrow takes it: as far as it uses them, Node's file handles. */
class Handle {
  readonly fd = 0;
  readonly #file: SeekableFile;
  /** What is read of `within`; what lies between is left as zeros. Everything is read elsewhere, and where this is undefined. */
  only: { readonly within: Range; readonly ranges: readonly Range[] } | undefined;

  constructor(file: SeekableFile) {
    this.#file = file;
  }

  async stat() {
    return { size: this.#file.size };
  }

  async read(target: Uint8Array, offset: number, length: number, position: number) {
    const { within, ranges } = this.only ?? {};
    const whole = within?.[0] === position && within[1] === position + length;
    for (const [start, end] of whole && ranges ? ranges : [[position, position + length] as const]) {
      const bytes = await this.#file.read(start, end);
      if (bytes.length < end - start) throw new Error("the file ends early");
      target.set(bytes, offset + start - position);
    }
    return { bytesRead: length, buffer: target };
  }

  /** Whoever opened the file closes it. */
  async close(): Promise<void> {}
}

/** A batch in the file. */
interface Block {
  readonly body: Range;
  /** The body's buffers, each column's after those of the column before. */
  readonly buffers: readonly Range[];
}

/** A file's footer tells where its batches are, and the head of each how many rows it has and where its columns are. */
async function seekable(
  arrow: Arrow,
  file: SeekableFile,
  handle: Handle,
  reader: RecordBatchFileReader | AsyncRecordBatchFileReader,
): Promise<Batches> {
  const { footer, schema } = reader;
  const starts: number[] = [];
  const blocks: Block[] = [];
  let rows = 0;
  for (let index = 0; index < (footer?.numRecordBatches ?? 0); index++) {
    const block = footer?.getRecordBatch(index);
    if (!block || block.offset + block.metaDataLength + block.bodyLength > file.size) throw new Error(`batch ${index} lies beyond its end`);
    const begin = block.offset + block.metaDataLength;
    // Eight bytes say how long the head is.
    const head = arrow.Message.decode(await file.read(block.offset + 8, begin)).header();
    if (!("buffers" in head)) throw new Error(`there is no batch where batch ${index} should be`);
    const buffers = head.buffers.map(({ offset, length }) => [begin + offset, begin + offset + length] as const);
    starts.push(rows);
    blocks.push({ body: [begin, begin + block.bodyLength], buffers });
    rows += head.length;
  }
  const owners = ownersOfBuffers(arrow, schema);
  return {
    schema,
    starts,
    rows,
    async read(index, columns) {
      const { body, buffers } = blocks[index] ?? { body: [0, 0], buffers: [] };
      const known = owners?.length === buffers.length;
      handle.only = known ? { within: body, ranges: buffers.filter((_, buffer) => columns.has(owners[buffer] ?? "")) } : undefined;
      return reader.readRecordBatch(index);
    },
  };
}

/** The column of each buffer; undefined where some column's type has other columns, or buffers in it whose number its type does not say. */
function ownersOfBuffers({ DataType }: Arrow, { fields }: Schema): readonly string[] | undefined {
  const counts = fields.map(({ type }) => buffersOf(DataType, type));
  if (counts.includes(undefined)) return undefined;
  return fields.flatMap(({ name }, field) => Array<string>(counts[field] ?? 0).fill(name));
}

/** Of flat types: whether there is a value, and the values; in between, of text and bytes, where each begins. */
function buffersOf(kinds: typeof DataType, type: DataType): number | undefined {
  if (kinds.isUtf8(type) || kinds.isLargeUtf8(type) || kinds.isBinary(type) || kinds.isLargeBinary(type)) return 3;
  const fixed = [kinds.isInt, kinds.isFloat, kinds.isBool, kinds.isDate, kinds.isTimestamp, kinds.isTime, kinds.isDecimal, kinds.isDictionary];
  return fixed.some((is) => is(type)) ? 2 : undefined;
}

/** A stream's batches are all read at once: nothing in it tells where they are. */
async function streamed(reader: RecordBatchReader): Promise<Batches> {
  const { schema } = reader;
  const starts: number[] = [];
  const batches: RecordBatch[] = [];
  let rows = 0;
  for (let batch = await nextOf(reader); batch; batch = await nextOf(reader)) {
    starts.push(rows);
    batches.push(batch);
    rows += batch.numRows;
  }
  return { schema, starts, rows, read: async (index) => batches[index] ?? null };
}

async function nextOf(reader: RecordBatchReader): Promise<RecordBatch | undefined> {
  const { done, value } = await reader.next();
  return done ? undefined : (value as RecordBatch);
}
