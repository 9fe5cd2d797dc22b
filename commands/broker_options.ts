/** The options of `flux broker` (cli.md §2.2); `flux start` checks by them what it hands on. */

import type { OptionTable } from "./options.ts";

export const BROKER_OPTIONS = {
  verbose: { short: "v", type: "flag", help: "Log everything, down to level debug" },
  quiet: { short: "q", type: "flag", help: "Do not log the start of the initial program" },
  sid: { short: "N", type: "string", arg: "NAME", help: "Set the session-id attribute" },
  security: { short: "s", type: "string", arg: "MODE", default: "curve", help: "Security of the links: none or curve" },
  module: { short: "M", type: "list", arg: "NAME", help: "Load a module; NAME[RANKS] on these ranks only" },
  exclude: { short: "x", type: "list", arg: "NAME", help: "Do not load a default module" },
  modopt: { short: "O", type: "list", arg: "NAME:key=val", help: "Give an option to a module" },
  "module-path": { short: "X", type: "string", arg: "PATH", help: "Look for modules in PATH (colon list) first" },
  logdest: {
    short: "L",
    type: "string",
    arg: "FILE|stderr|auto",
    default: "stderr",
    help: "Append rank 0's log to FILE; auto is cmbd.log here, or in the run directory",
  },
  "log-level": {
    short: "l",
    type: "string",
    arg: "LEVEL",
    help: "Log this level and more severe ones (0-7 or a name)",
  },
  "k-ary": { short: "k", type: "integer", arg: "K", min: 0, default: 2, help: "Fan-out of the tree; 0 is flat" },
  heartrate: { short: "H", type: "string", arg: "SECS[s|ms]", default: "2", help: "Time between heartbeats" },
  timeout: { short: "T", type: "number", arg: "SECS", min: 0, default: 60, help: "Give up when wire-up takes longer" },
  "shutdown-grace": {
    short: "g",
    type: "number",
    arg: "SECS",
    min: 0,
    help: "Time for the ranks below to leave at the end (default by size: 0.5 to 5)",
  },
  "killer-timeout": { type: "number", arg: "SECS", min: 0, default: 1, help: "Time for the initial program to end" },
  "scratch-directory": { short: "D", type: "string", arg: "DIR", help: "Put sockets into DIR, which must exist" },
  statedir: { type: "string", arg: "DIR", help: "Keep the session's data in DIR; rank 0 makes it if it is missing" },
  sync: { type: "string", arg: "MODE", default: "normal", help: "Data survives: normal, a crash; full, a power loss" },
  interface: {
    type: "string",
    arg: "NAME",
    help: "Be reached by this interface: a name, a network (10.1.0.0/16), or default-route",
  },
  "enable-epgm": { short: "E", type: "flag", help: "Not supported: events travel the tree" },
  "shared-ipc-namespace": { short: "I", type: "flag", help: "For compatibility; has no effect" },
  "config-path": {
    short: "c",
    type: "string",
    arg: "PATH",
    help: "Read the configuration from a TOML file, or from those of a directory",
  },
  rank: { type: "integer", arg: "N", min: 0, help: "Be this rank of those that [bootstrap] has on this host" },
  quorum: { type: "integer", arg: "N", min: 1, help: "Let the session run when N ranks are there (default all)" },
  "boot-method": {
    short: "m",
    type: "string",
    arg: "METHOD",
    default: "pmi",
    help: "Find the other ranks by METHOD: pmi or single",
  },
  setattr: { type: "list", arg: "NAME=VALUE", help: "Set an attribute" },
} as const satisfies OptionTable;
