/** What all forms of `flux zio` take (cli.md §4.14). */

import type { OptionSpec, ParsedOptions } from "../mod.ts";

export const OPTIONS = {
  run: { short: "r", type: "flag", help: "The older spelling of 'flux zio run'" },
  attach: { short: "a", type: "flag", help: "The older spelling of 'flux zio attach'" },
  copy: { short: "c", type: "flag", help: "The older spelling of 'flux zio copy'" },
  key: {
    short: "k",
    type: "string",
    arg: "NAME",
    complete: "key",
    help: "Keep the streams of the program under this key (default: zio.RANK.PID)",
  },
  pty: { short: "p", type: "flag", help: "Give the program a terminal" },
  debug: { short: "d", type: "flag", help: "Tell what is going on" },
  force: { short: "f", type: "flag", help: "Replace what is under the key" },
  blocksize: {
    short: "b",
    type: "integer",
    arg: "N",
    min: 1,
    max: 1 << 20,
    default: 4096,
    help: "Bytes of a block (default: 4096)",
  },
  limit: {
    type: "string",
    arg: "SIZE",
    default: "64M",
    help: "Record so much of what a program writes (default: 64M)",
  },
  lazy: { short: "l", type: "flag", help: "Commit at the end, or when a MiB has gathered" },
} as const satisfies Record<string, OptionSpec>;

export type ZioOptions = ParsedOptions<typeof OPTIONS>;
