/** `flux start`: a session on this machine, through Slurm, or on a list of hosts, and a program inside it (cli.md §3.2). */

import { FluxError } from "../broker/message/mod.ts";
import { command, CommandError, UsageError } from "./mod.ts";
import { selfArgv } from "./self.ts";
import { handOverKey, launchSession } from "./start_launch.ts";
import { isPmiOffered, silentLauncher } from "./start_launcher.ts";
import { commandWords } from "./start_words.ts";
import { allocatedNodes, srunWords, stepTasks } from "./start_slurm.ts";
import { system } from "./surroundings.ts";

/** More brokers than this do not make sense on one machine. */
const SIZE_LIMIT = 1024;

export default command({
  name: "start",
  summary: "Start a session of message brokers and run a program in it",
  usage: ["[OPTIONS] [COMMAND [ARGS...]]"],
  options: {
    size: { short: "s", type: "string", arg: "N", help: "Start N brokers on this machine (default 1)" },
    nnodes: { short: "N", type: "integer", arg: "N", min: 1, help: "Start brokers on N nodes through Slurm" },
    ntasks: { short: "n", type: "integer", arg: "N", min: 1, help: "Start N brokers through Slurm" },
    partition: { short: "p", type: "string", arg: "NAME", help: "The partition of Slurm to start on" },
    overcommit: { type: "flag", help: "Let Slurm start more brokers than there are processors" },
    bcast: { type: "string", arg: "PATH", help: "Copy this program to PATH on each node first" },
    hosts: { type: "string", arg: "LIST", help: "Start brokers on these hosts: node[1-4], or the path of a file" },
    rsh: { type: "string", arg: "WORDS", help: "Reach other hosts by this program (default ssh)" },
    interface: {
      type: "string",
      arg: "NAME",
      help: "Be reached by this interface: a name, or a network (10.1.0.0/16)",
    },
    module: { short: "M", type: "list", arg: "NAME", help: "Load a module; NAME[RANKS] on these ranks only" },
    modopt: { short: "O", type: "list", arg: "NAME:key=val", help: "Give an option to a module" },
    "broker-opts": { short: "o", type: "list", arg: "OPTS", help: "Options for every broker, separated by commas" },
    "k-ary": { short: "k", type: "integer", arg: "K", min: 0, default: 2, help: "Fan-out of the tree; 0 is flat" },
    verbose: { short: "v", type: "flag", help: "Say what is started, and more when it fails" },
    noexec: { short: "X", type: "flag", help: "Print what would be started" },
    "killer-timeout": {
      type: "number",
      arg: "SECONDS",
      default: 1,
      help: "At the end, kill brokers that have hung this long",
    },
    respawn: { type: "flag", help: "Start brokers that die anew" },
    timeout: {
      type: "number",
      arg: "SECONDS",
      min: 0,
      help: "Give up when ranks take longer to come up (default by size: 30 to 60)",
    },
    security: {
      type: "string",
      arg: "MODE",
      default: "curve",
      help: "Security of the links: curve, plain (in clear text) or none",
    },
    statedir: { type: "string", arg: "DIR", help: "Keep the session's data in DIR, and go on with what is there" },
    sync: {
      type: "string",
      arg: "MODE",
      default: "normal",
      help: "Data survives: normal, a crash; full, a power loss",
    },
  },
  async run({ opts, args, warn }) {
    const env = (name: string) => Deno.env.get(name);
    const slurm = (["nnodes", "ntasks", "partition", "overcommit"] as const).find((name) => opts[name]) ??
      (opts.hosts === undefined && opts.bcast ? "bcast" : undefined);
    const ways = [slurm, opts.hosts !== undefined && "hosts", opts.size !== undefined && "size"].filter(Boolean);
    if (ways.length > 1) throw new UsageError(`--${ways[0]} and --${ways[1]} are different ways to start a session`);
    if (opts["killer-timeout"] < 0) throw new CommandError("--killer-timeout argument must be >= 0");
    if (opts.statedir === undefined && opts.sync !== "normal") {
      throw new UsageError("--sync is about what --statedir keeps");
    }
    const brokerArgs = brokerWords(opts);
    const broker = [...selfArgv(), "broker", ...brokerArgs];
    if (opts.timeout !== undefined) broker.push(`--timeout=${opts.timeout}`);
    const silent = ways.length > 0 || isPmiOffered(env) ? undefined : silentLauncher(env);
    if (silent !== undefined) {
      throw new CommandError(`${silent} says that this is one of many, but there is no PMI-1: each would be alone`, {
        hint: "mpiexec.hydra, srun --mpi=pmi2 and flux wreckrun serve it; flux start --size 1 is a session of one",
      });
    }
    if (ways.length === 0 && (isPmiOffered(env) || (stepTasks(env) ?? 1) > 1)) {
      return await system.become([...broker, "--logdest=auto", "--", ...args]);
    }
    const allocated = allocatedNodes(env);
    if (slurm || (ways.length === 0 && allocated !== undefined)) {
      const words = srunWords({
        nodes: opts.nnodes ?? (opts.ntasks === undefined ? allocated ?? 1 : undefined),
        tasks: opts.ntasks,
        partition: opts.partition,
        overcommit: opts.overcommit,
        bcast: opts.bcast,
        isInteractive: args.length === 0 && Deno.stdin.isTerminal(),
        isMpiChosen: env("SLURM_MPI_TYPE") !== undefined,
      });
      const { security } = (await import("./broker_settings.ts")).checkBrokerWords(brokerArgs);
      if (security !== "none" && !opts.noexec) await handOverKey();
      return await becomeSrun([...words, ...broker, "--logdest=auto", "--", ...args], opts, warn);
    }
    return await launchSession({
      size: readSize(opts.size),
      hosts: opts.hosts,
      again: (hosts) => commandWords({ ...opts, hosts, noexec: false }, args),
      rsh: opts.rsh ?? (env("FLUX_SSH") || undefined),
      bcast: opts.bcast,
      brokerArgs,
      rootArgs: ["--", ...args],
      timeout: opts.timeout,
      killerTimeout: opts["killer-timeout"],
      respawn: opts.respawn,
      verbose: opts.verbose,
      noexec: opts.noexec,
      warn,
    });
  },
});

/** What every broker is told, in its own words. */
function brokerWords(opts: {
  "k-ary": number;
  security: string;
  "killer-timeout": number;
  interface: string | undefined;
  module: string[];
  modopt: string[];
  statedir: string | undefined;
  sync: string;
  "broker-opts": string[];
}): string[] {
  return [
    `--k-ary=${opts["k-ary"]}`,
    `--security=${opts.security}`,
    `--killer-timeout=${opts["killer-timeout"]}`,
    // Longer than ours: a rank that hangs is killed by us rather than given up by its parent.
    `--shutdown-grace=${2 * opts["killer-timeout"]}`,
    ...(opts.interface === undefined ? [] : [`--interface=${opts.interface}`]),
    ...opts.module.map((name) => `--module=${name}`),
    ...opts.modopt.map((option) => `--modopt=${option}`),
    ...(opts.statedir === undefined ? [] : [`--statedir=${opts.statedir}`, `--sync=${opts.sync}`]),
    ...opts["broker-opts"].flatMap((list) => list.split(",")).filter((word) => word !== ""),
  ];
}

async function becomeSrun(
  words: readonly string[],
  { verbose, noexec }: { verbose: boolean; noexec: boolean },
  warn: (text: string) => void,
): Promise<number> {
  if (verbose || noexec) warn(words.join(" "));
  if (noexec) return 0;
  try {
    return await system.become(words);
  } catch (error) {
    if (!(error instanceof FluxError) || error.code !== "ENOENT") throw error;
    throw new CommandError("srun: command not found", { hint: "flux start --size N starts N brokers on this machine" });
  }
}

function readSize(text: string | undefined): number {
  if (text === undefined) return 1;
  if (!/^[+-]?\d+$/.test(text)) throw new UsageError(`--size ${text}: not a number`);
  const size = Number(text);
  if (size < 1) throw new UsageError(`--size ${text}: a session has at least 1 broker`);
  if (size > SIZE_LIMIT) throw new UsageError(`--size ${text}: at most ${SIZE_LIMIT} brokers on one machine`);
  return size;
}
