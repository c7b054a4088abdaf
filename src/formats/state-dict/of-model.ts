// What `Model` imports when a state dict is first loaded or asked for: it stays a file of its own, so that programs without one
// need not load it. It has a copy of `platform.ts` of its own, which the caller has to fill.

export { providePlatform } from "../../platform.js";
export { stageFrom } from "./load.js";
export { toStateDict } from "./write.js";
