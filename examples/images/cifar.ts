// CIFAR-10 as sequences of rows.
//   npx tsx examples/images/cifar.ts FOLDER

import { learnFromFolder } from "../learning/of-folder.js";
import { CIFAR } from "./rows.js";

await learnFromFolder("images/cifar.ts", [CIFAR]);
