// MNIST as sequences of rows.
//   npx tsx examples/images/mnist.ts FOLDER

import { learnFromFolder } from "../learning/of-folder.js";
import { MNIST } from "./rows.js";

await learnFromFolder("images/mnist.ts", [MNIST]);
