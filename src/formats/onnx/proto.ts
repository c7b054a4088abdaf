// ONNX's messages, as far as they are written here, and the package that encodes them. Its declarations do not hold under this
// project's strictness (they name a type `Long` that they do not import): so it is imported `as string`, which the compiler
// does not follow, and what is used of it is declared here. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

import { optionalPackage } from "../../optional-package.js";

/** `TensorProto.DataType` */
export const ELEMENT = { float: 1, int32: 6, int64: 7, bool: 9 } as const;
export type Element = keyof typeof ELEMENT;

/** `AttributeProto.AttributeType` */
export const ATTRIBUTE = { float: 1, int: 2, string: 3, graph: 5, floats: 6, ints: 7, strings: 8 } as const;

/** `AttributeProto`: the field that `type` says. */
export interface AttributeProto {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly g?: GraphProto;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
  readonly strings?: readonly Uint8Array[];
}

/** `NodeProto`. An empty name stands for an input that is not given. */
export interface NodeProto {
  readonly name: string;
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeProto[];
}

/** `TensorProto`, its numbers little-endian. */
export interface TensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly rawData: Uint8Array;
}

/** `ValueInfoProto` of a tensor. A size is a number, or the name of what is the same number elsewhere. */
export interface ValueInfoProto {
  readonly name: string;
  readonly docString?: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly ({ readonly dimValue: number } | { readonly dimParam: string })[] };
    };
  };
}

/** `GraphProto` */
export interface GraphProto {
  readonly name: string;
  readonly docString?: string;
  readonly node: readonly NodeProto[];
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

/** `ModelProto` */
export interface ModelProto {
  readonly irVersion: number;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly producerName: string;
  readonly producerVersion: string;
  readonly graph: GraphProto;
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
}

/** `onnx-proto` */
interface OnnxProto {
  readonly default: {
    readonly onnx: { readonly ModelProto: { encode(model: ModelProto): { finish(): Uint8Array } } };
  };
}

/**
 * What encodes models: it copies tensors once, into the file.
 *
 * @throws {GatewiseError} `missing_package` where `onnx-proto` is not installed
 */
export async function openEncoder(): Promise<(model: ModelProto) => Uint8Array> {
  const importIt = () => import("onnx-proto" as string) as Promise<OnnxProto>;
  const { onnx } = (await optionalPackage("onnx-proto", "writes ONNX files", importIt)).default;
  return (model) => {
    const bytes = onnx.ModelProto.encode(model).finish();
    // In Node a small one is a part of the pool that all buffers share.
    return bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
  };
}
