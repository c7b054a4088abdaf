// A program: from the import of onnxruntime-node to its first prediction. Prints milliseconds.
//   node onnxruntime-node.mjs URL-OF-THE-PACKAGE MODEL.onnx STEPS FEATURES UNITS

const [url = "", file = "", ...numbers] = process.argv.slice(2);
const [steps = 0, features = 0] = numbers.map(Number);
const x = new Float32Array(steps * features);
const began = performance.now();

const { default: ort } = await import(url);
const session = await ort.InferenceSession.create(file);
await session.run({ x: new ort.Tensor("float32", x, [steps, 1, features]) });

console.log(JSON.stringify({ milliseconds: performance.now() - began }));
