// A program: from the import of tfjs, with its WASM backend, to its first prediction. Prints milliseconds.
//   node tfjs.mjs URL-OF-TFJS URL-OF-THE-BACKEND STEPS FEATURES UNITS

const [url = "", backend = "", ...numbers] = process.argv.slice(2);
const [steps = 0, features = 0, units = 0] = numbers.map(Number);
const x = new Float32Array(steps * features);
const began = performance.now();

const { default: tf } = await import(url);
await import(backend);
await tf.setBackend("wasm");
// Orthogonal initial weights, tfjs' default, take longer than all the rest: as if they came from a file.
const lstm = tf.layers.lstm({ units, inputShape: [steps, features], recurrentInitializer: "zeros" });
const model = tf.sequential({ layers: [lstm, tf.layers.dense({ units: 2, activation: "softmax" })] });
model.predict(tf.tensor(x, [1, steps, features])).dataSync();

console.log(JSON.stringify({ milliseconds: performance.now() - began }));
