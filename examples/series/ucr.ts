// Series of the UCR/UEA archive, classified.
//   npx tsx examples/series/ucr.ts gunpoint FOLDER

import { learnFromFolder } from "../learning/of-folder.js";
import { SERIES } from "./sets.js";

await learnFromFolder("series/ucr.ts", SERIES);
