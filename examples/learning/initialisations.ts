// Ways for an LSTM's weights to start, as `initialisation` of a definition, for the study of what they do.

import type { ModelDefinition } from "gatewise";

type Initialisation = NonNullable<ModelDefinition["initialisation"]>;

/** Of all weights, with what the scheme "gatewise" has for the biases. */
const weights = (kind: "glorot_uniform" | "he_normal" | "lecun_normal" | "orthogonal"): Initialisation => ({
  rules: [{ parameters: ["*weight*"], kind }],
});

/** By name; `longest` is the number of steps over which the data have to be remembered. */
export const INITIALISATIONS: Readonly<Record<string, (longest: number) => Initialisation>> = {
  gatewise: () => ({}),
  "gatewise, forget bias 0": () => ({ forgetBias: 0 }),
  pytorch: () => ({ scheme: "pytorch" }),
  "pytorch, forget bias 1": () => ({ scheme: "pytorch", forgetBias: 1 }),
  "Glorot uniform": () => weights("glorot_uniform"),
  "He normal": () => weights("he_normal"),
  "LeCun normal": () => weights("lecun_normal"),
  orthogonal: () => weights("orthogonal"),
  identity: () => ({ rules: [{ parameters: ["*.weight_hh*"], kind: "identity" }] }),
  "normal, 0.01": () => ({ rules: [{ parameters: ["*weight*"], kind: "normal", deviation: 0.01 }] }),
  chrono: (longest) => ({ rules: [{ parameters: ["*.bias_*"], kind: "chrono", longest }] }),
};
