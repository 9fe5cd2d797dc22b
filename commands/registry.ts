/**
 * Every command there is: what `flux -h` says of it and where it is loaded from. Imports are literal, so that bundling
 * makes each a chunk of its own; nothing here loads anything.
 */

import type { Command } from "./command.ts";

/** The groups of `flux -h`, in order. */
export const GROUPS = ["Sessions", "Messages", "Log and events", "Modules and attributes", "Other"] as const;

export interface Entry {
  readonly group: typeof GROUPS[number];
  /** The same as the command's own, without loading it. */
  readonly summary: string;
  load(): Promise<{ readonly default: Command }>;
  /** Runs, but is not listed. */
  readonly hidden?: boolean;
}

export type Registry = Readonly<Record<string, Entry>>;

export const registry: Registry = {
  help: { group: "Other", summary: "Show the manual page of a command", load: () => import("./help.ts") },
  env: { group: "Other", summary: "Print the environment of flux commands, or run one in it", load: () => import("./env.ts") },
  version: { group: "Other", summary: "Print versions of flux and of the broker", load: () => import("./version.ts") },
  completion: { group: "Other", summary: "Print a script for shell completion", load: () => import("./completion.ts") },
  __complete: { group: "Other", summary: "Print candidates for completion", load: () => import("./complete.ts"), hidden: true },
};

/** The entry of a command, undefined for a name that is none. */
export function lookup(name: string): Entry | undefined {
  return Object.hasOwn(registry, name) ? registry[name] : undefined;
}

/** The names `flux -h` lists. */
export function commandNames(): string[] {
  return Object.keys(registry).filter((name) => !registry[name]!.hidden);
}
