// Which of a model's tensors an optimiser moves.

/** Without the scaling of features and statics, which PyTorch's modules hold as buffers. */
export function trainedNames(tensors: readonly string[]): readonly string[] {
  return tensors.filter((name) => !/^(?:input|statics)\./.test(name));
}
