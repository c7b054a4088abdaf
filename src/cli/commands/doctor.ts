// `gatewise doctor`: what runs here, and why.

import { defineCommand } from "citty";

import { type Diagnosis, diagnose } from "../doctor.js";
import { EXIT } from "../failure.js";
import { COMMON } from "../options.js";
import { columns, printResult } from "../output.js";

export const doctor = defineCommand({
  meta: { name: "doctor", description: "Show what runs on this machine, and why" },
  args: COMMON,
  async run({ args }) {
    const diagnosis = await diagnose();
    printResult(args.json, diagnosis, () => asText(diagnosis));
    return diagnosis.chosen === null || !diagnosis.node.supported ? EXIT.failed : EXIT.fine;
  },
});

function asText({ gatewise, node, machine, backends, chosen, optional }: Diagnosis): string {
  const nodeLine = node.supported ? `Node ${node.version}` : `Node ${node.version}, which is too old: take 20.19, 22.12 or later`;
  const gigabytes = (machine.memory / 2 ** 30).toFixed(1);
  const found = backends.map(({ name, available, isa, threads, instructionSets, reason }) => {
    const what = available ? `${isa} (of ${instructionSets?.join(", ")}), threads: ${threads}` : reason;
    return [`  ${available ? "yes" : "no "} ${name}`, what];
  });
  const packages = optional.map(({ name, purpose, installed }) => [`  ${installed === null ? "no " : "yes"} ${name}`, installed ?? "", purpose]);
  const verdict = chosen === null ? "Nothing runs here: see the reasons above." : `"auto" takes ${chosen}.`;
  return [
    `gatewise ${gatewise}, ${nodeLine}, ${machine.platform} ${machine.architecture}, ${machine.cores} cores, ${gigabytes} GiB`,
    "",
    "Backends, the fastest first",
    columns(found),
    verdict,
    "",
    "Optional packages (npm install what you need)",
    columns(packages),
  ].join("\n");
}
