// ONNX files as messages, for a look at what stands in them. The package's declarations do not hold under this project's strictness:
// what is looked at is declared here.

import { createRequire } from "node:module";

interface ValueInfo {
  readonly name: string;
  readonly docString: string;
  readonly type: { readonly tensorType: { readonly elemType: number; readonly shape: { readonly dim: readonly Size[] } } };
}

interface Size {
  readonly dimValue: number;
  readonly dimParam: string;
}

export interface OnnxFile {
  readonly irVersion: number;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly producerName: string;
  readonly producerVersion: string;
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
  readonly graph: {
    readonly input: readonly ValueInfo[];
    readonly output: readonly ValueInfo[];
    readonly node: readonly { readonly opType: string }[];
  };
}

interface OnnxProto {
  readonly onnx: {
    readonly ModelProto: {
      decode(bytes: Uint8Array): object;
      toObject(message: object, options: { readonly longs: NumberConstructor; readonly defaults: boolean }): OnnxFile;
    };
  };
}

const { onnx } = createRequire(import.meta.url)("onnx-proto") as OnnxProto;

export function decode(bytes: Uint8Array): OnnxFile {
  return onnx.ModelProto.toObject(onnx.ModelProto.decode(bytes), { longs: Number, defaults: true });
}
