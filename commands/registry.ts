/**
 * Every command there is: what `flux -h` says of it and where it is loaded from. Imports are literal, so that bundling
 * makes each a chunk of its own; nothing here loads anything.
 */

import type { Command } from "./command.ts";

/** The groups of `flux -h`, in order. */
export const GROUPS = [
  "Sessions",
  "Programs",
  "Key-value store",
  "Messages",
  "Log and events",
  "Modules and attributes",
  "Other",
] as const;

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
  start: {
    group: "Sessions",
    summary: "Start a session of message brokers and run a program in it",
    load: () => import("./start.ts"),
  },
  broker: {
    group: "Sessions",
    summary: "Run a message broker: one rank of a session",
    load: () => import("./broker.ts"),
  },
  keygen: {
    group: "Sessions",
    summary: "Make keys for secure links between brokers",
    load: () => import("./keygen.ts"),
  },
  comms: {
    group: "Sessions",
    summary: "Show or change a broker's place in the session",
    load: () => import("./comms.ts"),
  },
  overlay: {
    group: "Sessions",
    summary: "Show the tree of brokers and how they are",
    load: () => import("./overlay.ts"),
  },
  shutdown: { group: "Sessions", summary: "End the session in order", load: () => import("./shutdown.ts") },
  topo: { group: "Sessions", summary: "Print the tree of brokers as a graph", load: () => import("./topo.ts") },
  up: { group: "Sessions", summary: "Show which ranks of the session are up", load: () => import("./up.ts") },
  wreckrun: { group: "Programs", summary: "Run a parallel program", load: () => import("./wreckrun.ts") },
  submit: {
    group: "Programs",
    summary: "Queue a parallel program, to run when there is room",
    load: () => import("./submit.ts"),
  },
  wreck: { group: "Programs", summary: "Show, follow and end parallel programs", load: () => import("./wreck.ts") },
  exec: {
    group: "Programs",
    summary: "Run a program on many ranks at once",
    load: () => import("./exec.ts"),
  },
  bcast: {
    group: "Programs",
    summary: "Copy a file to a directory of every rank",
    load: () => import("./bcast.ts"),
  },
  zio: {
    group: "Programs",
    summary: "Run programs with their streams in the key-value store, and attach to them",
    load: () => import("./zio.ts"),
  },
  pmi: {
    group: "Programs",
    summary: "Test the PMI server that has started this process",
    load: () => import("./pmi.ts"),
  },
  ps: { group: "Programs", summary: "List the processes that brokers run", load: () => import("./ps.ts") },
  kvs: {
    group: "Key-value store",
    summary: "Read, write and watch the key-value store",
    load: () => import("./kvs.ts"),
  },
  content: {
    group: "Key-value store",
    summary: "Store and load blobs by the digest of their bytes",
    load: () => import("./content.ts"),
  },
  snoop: {
    group: "Messages",
    summary: "Watch the messages that go through a broker",
    load: () => import("./snoop.ts"),
  },
  mping: {
    group: "Messages",
    summary: "Measure round trips of a multicast RPC to many ranks",
    load: () => import("./mping.ts"),
  },
  ping: {
    group: "Messages",
    summary: "Measure round trips to a service of a rank",
    load: () => import("./ping.ts"),
  },
  barrier: {
    group: "Messages",
    summary: "Wait until a number of parties have come",
    load: () => import("./barrier.ts"),
  },
  logger: { group: "Log and events", summary: "Write a message to the log", load: () => import("./logger.ts") },
  dmesg: { group: "Log and events", summary: "Print or clear the log of the broker", load: () => import("./dmesg.ts") },
  event: {
    group: "Log and events",
    summary: "Publish events, or print those that are published",
    load: () => import("./event.ts"),
  },
  module: {
    group: "Modules and attributes",
    summary: "List, load and unload the modules of brokers",
    load: () => import("./module.ts"),
  },
  "comms-stats": {
    group: "Modules and attributes",
    summary: "Print or clear the statistics of a module",
    load: () => import("./comms_stats.ts"),
  },
  getattr: {
    group: "Modules and attributes",
    summary: "Print the value of a broker attribute",
    load: () => import("./getattr.ts"),
  },
  setattr: {
    group: "Modules and attributes",
    summary: "Set or remove a broker attribute",
    load: () => import("./setattr.ts"),
  },
  lsattr: { group: "Modules and attributes", summary: "List broker attributes", load: () => import("./lsattr.ts") },
  help: { group: "Other", summary: "Show the manual page of a command", load: () => import("./help.ts") },
  env: {
    group: "Other",
    summary: "Print the environment of flux commands, or run one in it",
    load: () => import("./env.ts"),
  },
  version: { group: "Other", summary: "Print versions of flux and of the broker", load: () => import("./version.ts") },
  completion: { group: "Other", summary: "Print a script for shell completion", load: () => import("./completion.ts") },
  __complete: {
    group: "Other",
    summary: "Print candidates for completion",
    load: () => import("./complete.ts"),
    hidden: true,
  },
};

/** The entry of a command, undefined for a name that is none. */
export function lookup(name: string): Entry | undefined {
  return Object.hasOwn(registry, name) ? registry[name] : undefined;
}

/** The names `flux -h` lists. */
export function commandNames(): string[] {
  return Object.keys(registry).filter((name) => !registry[name]!.hidden);
}
