/** The options that subcommands of `flux kvs` share. */

import type { OptionSpec } from "../mod.ts";

export const NAMESPACE = {
  namespace: {
    short: "N",
    type: "string",
    arg: "NS",
    help: "Use this namespace (default: FLUX_KVS_NAMESPACE from the environment, else primary)",
  },
} as const satisfies Record<string, OptionSpec>;

/** Reading. */
export const AT = {
  ...NAMESPACE,
  at: { short: "a", type: "string", arg: "ROOTREF", help: "Look at this version, as getroot prints it" },
} as const satisfies Record<string, OptionSpec>;

/** Writing. */
export const COMMIT = {
  ...NAMESPACE,
  "no-merge": { short: "n", type: "flag", help: "Do not share the new version with commits of others" },
  sync: { short: "S", type: "flag", help: "Return once it is in the backing store" },
  "treeobj-root": { short: "O", type: "flag", help: "Print the new version as a tree object" },
  blobref: { short: "b", type: "flag", help: "Print the new version as a blobref" },
  sequence: { short: "s", type: "flag", help: "Print the number of the new version" },
} as const satisfies Record<string, OptionSpec>;
