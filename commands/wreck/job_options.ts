/** The options that `flux wreckrun` and `flux submit` have in common (cli.md §4.22), and the job they ask for. */

import { CommandError } from "../command.ts";
import type { OptionSpec, ParsedOptions } from "../options.ts";
import { type JobSpec, OPTION_WORDS } from "../../modules/wreck/protocol.ts";
import { jobEnvironment } from "../../modules/wreck/environment.ts";
import { readSize } from "../size.ts";
import { seconds } from "./duration.ts";
import { inputMap } from "./input_map.ts";

export const JOB_OPTIONS = {
  ntasks: { short: "n", type: "integer", arg: "N", min: 1, help: "Run N tasks (default: 1, or as many as nodes)" },
  nnodes: { short: "N", type: "integer", arg: "N", min: 1, help: "Spread the tasks over N nodes" },
  "tasks-per-node": { short: "t", type: "integer", arg: "N", min: 1, help: "Run N tasks on each node" },
  options: {
    short: "o",
    type: "list",
    arg: "OPTS",
    help: "Set job options, a list with commas between (see OPTIONS OF A JOB)",
    complete: OPTION_WORDS,
  },
  walltime: { short: "T", type: "string", arg: "N[s|m|h|d]", help: "Signal the job when it has run this long" },
  output: {
    short: "O",
    type: "string",
    arg: "FILE",
    help: "Write standard output to FILE ({{id}}, {{taskid}}, {{cmd}})",
  },
  error: { short: "E", type: "string", arg: "FILE", help: "Write standard error to FILE" },
  input: {
    short: "i",
    type: "string",
    arg: "HOW",
    help: "Tell which tasks read what: [SRC:]DST, several with ; between",
  },
  "label-io": { short: "l", type: "flag", aliases: ["labelio"], help: "Put the task's number in front of each line" },
  "pre-launch-hook": {
    short: "P",
    type: "string",
    arg: "CODE",
    help: "Run Lua CODE before the job starts (not there yet)",
  },
  verbose: { short: "v", type: "flag", help: "Tell what is going on" },
} as const satisfies Record<string, OptionSpec>;

const WORDS: ReadonlySet<string> = new Set(OPTION_WORDS);

/** What the words of the command line ask for. Throws CommandError with the texts of cli.md. */
export function readJobSpec(opts: ParsedOptions<typeof JOB_OPTIONS>, args: readonly string[]): JobSpec {
  if (args.length === 0) throw new CommandError("Command to run required");
  if (opts["pre-launch-hook"] !== undefined) {
    throw new CommandError("pre-launch-hook failed: this flux has no Lua to run it", {
      hint: "leave --pre-launch-hook out",
    });
  }
  const { nnodes, "tasks-per-node": each } = opts;
  const ntasks = opts.ntasks ?? (nnodes ?? 1) * (each ?? 1);
  const files = { ...(opts.output && { stdout: opts.output }), ...(opts.error && { stderr: opts.error }) };
  const toFiles = Object.keys(files).length > 0;
  return {
    cmdline: [...args],
    environ: jobEnvironment(Deno.env.toObject()),
    cwd: Deno.cwd(),
    ntasks,
    ...(nnodes !== undefined && { nnodes }),
    ...(each !== undefined && { "tasks-per-node": each }),
    walltime: opts.walltime === undefined ? 0 : seconds(opts.walltime),
    options: readWords(opts.options),
    ...(toFiles && { output: { files, ...(opts["label-io"] && { labelio: true }) } }),
    ...(opts.input !== undefined && { input: { config: inputMap(opts.input) } }),
  };
}

function readWords(lists: readonly string[]): Record<string, number> {
  const words = lists.flatMap((list) => list.split(",")).filter((word) => word !== "");
  return Object.fromEntries(words.map((word) => {
    const [, name, size] = /^(stdio-limit)=(.+)$/.exec(word) ?? [];
    const value = size === undefined ? WORDS.has(word) ? 1 : undefined : readSize(size);
    if (value !== undefined) return [name ?? word, value];
    const hint = size === undefined
      ? `'${word}' is no job option: there are ${[...WORDS, "stdio-limit=SIZE"].join(", ")}`
      : `'${size}' is no size: bytes, or with k, M or G behind it`;
    throw new CommandError("Failed to process cmdline args", { hint });
  }));
}
