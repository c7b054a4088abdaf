// What the main entry imports when a model has a pipeline: it stays a file of its own, so that programs without one need not
// load it.

export { FittedPipeline } from "./fitted.js";
export { checkSaved, parseSaved } from "./saved.js";
