// The two bindings as the build leaves them (`imports` in package.json). Declared here and not taken from the generated
// declarations, so that the facade compiles, and means the same, before either of them is built.

declare module "#native" {
  type Binding = import("./binding.js").BindingModule;
  export const Layer: Binding["Layer"];
  export const Loading: Binding["Loading"];
  export const Model: Binding["Model"];
  export const Trainer: Binding["Trainer"];
  export const machine: Binding["machine"];
  export const readHeader: Binding["readHeader"];
  export const writeHeader: Binding["writeHeader"];
}

declare module "#wasm" {
  export const instantiate: import("./wasm.js").WasmGlue["instantiate"];
}
