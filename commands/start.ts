/** `flux start`: a session on this machine, and a program inside it (cli.md §3.2). */

import { command, CommandError, UsageError } from "./mod.ts";
import { selfArgv } from "./self.ts";
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
    hosts: { type: "string", arg: "LIST", help: "Start brokers on these hosts" },
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
    security: { type: "string", arg: "MODE", default: "curve", help: "Security of the links: none or curve" },
    statedir: { type: "string", arg: "DIR", help: "Keep the session's data in DIR, and go on with what is there" },
    sync: {
      type: "string",
      arg: "MODE",
      default: "normal",
      help: "Data survives: normal, a crash; full, a power loss",
    },
  },
  async run({ opts, args, warn }) {
    if (opts.size === undefined && startedByLauncher()) {
      return await system.become([...selfArgv(), "broker", ...stateWords(opts), "--", ...args]);
    }
    const size = readSize(opts.size);
    refuseElsewhere(opts);
    if (opts.statedir === undefined && opts.sync !== "normal") {
      throw new UsageError("--sync is about what --statedir keeps");
    }
    if (opts["killer-timeout"] < 0) throw new CommandError("--killer-timeout argument must be >= 0");
    const words = opts["broker-opts"].flatMap((list) => list.split(",")).filter((word) => word !== "");
    const brokerArgs = [
      `--k-ary=${opts["k-ary"]}`,
      `--security=${opts.security}`,
      `--killer-timeout=${opts["killer-timeout"]}`,
      // Longer than ours: a rank that hangs is killed by us rather than given up by its parent.
      `--shutdown-grace=${2 * opts["killer-timeout"]}`,
      ...opts.module.map((name) => `--module=${name}`),
      ...opts.modopt.map((option) => `--modopt=${option}`),
      ...stateWords(opts),
      ...words,
    ];
    const [{ Launch, saveTerminal }, ports, { Topology }, { checkBrokerWords }] = await Promise.all([
      import("../broker/boot/mod.ts"),
      import("../broker/ports/mod.ts"),
      import("../broker/overlay/mod.ts"),
      import("./broker_settings.ts"),
    ]);
    const { arity } = checkBrokerWords(brokerArgs);
    const launch = new Launch({
      size,
      shape: new Topology(size, arity),
      hostname: Deno.hostname(),
      self: selfArgv(),
      brokerArgs,
      logFile: (rundir) => logFile(rundir, warn),
      rootArgs: ["--", ...args],
      env: Deno.env.toObject(),
      timeout: (opts.timeout ?? Math.min(60, 30 + size / 8)) * 1000,
      killerTimeout: opts["killer-timeout"] * 1000,
      respawn: opts.respawn,
      verbose: opts.verbose,
      say: warn,
    }, { clock: ports.systemClock, random: ports.systemRandom, spawner: ports.systemSpawner });
    if (opts.noexec) {
      for (const [rank, argv] of launch.commands().entries()) warn(`${rank}: ${argv.join(" ")}`);
      return 0;
    }
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      Deno.addSignalListener(name, () => launch.signal(name, ports.signalNumber(name)!));
    }
    Deno.addSignalListener("SIGQUIT", () => {}); // the terminal sends it to the initial program as well
    using _terminal = Deno.stdin.isTerminal() ? saveTerminal() : undefined;
    return await launch.run();
  },
});

/** Where the session's data is kept, in the words of `flux broker`. */
function stateWords({ statedir, sync }: { statedir: string | undefined; sync: string }): string[] {
  return statedir === undefined ? [] : [`--statedir=${statedir}`, `--sync=${sync}`];
}

/** True as a task of another launcher that serves PMI: then the session is made of its tasks, and this is one. */
function startedByLauncher(): boolean {
  return ["PMI_FD", "PMI_RANK", "PMI_SIZE"].every((name) => Deno.env.get(name) !== undefined);
}

/** `cmbd.log` in the current directory, or where that cannot be written, in the run directory. */
function logFile(rundir: string, warn: (text: string) => void): string {
  const name = "cmbd.log";
  try {
    const path = `${Deno.cwd()}/${name}`;
    Deno.openSync(path, { append: true, create: true }).close();
    return path;
  } catch (error) {
    const path = `${rundir}/${name}`;
    const why = error instanceof Error ? error.message.replace(/ \(os error.*/, "") : error;
    warn(`cannot write ${name} here (${why}); the log is ${path}`);
    return path;
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

/** What only another version or another machine could do is refused, with what can be done instead. */
function refuseElsewhere(opts: Readonly<Record<string, unknown>>): void {
  const hint = "flux start --size N starts N brokers on this machine";
  const slurm = ["nnodes", "ntasks", "partition", "overcommit"].find((name) => opts[name]);
  if (slurm) throw new CommandError(`--${slurm} needs Slurm, which this version cannot start through`, { hint });
  if (opts.hosts !== undefined) throw new CommandError("--hosts: this version cannot start on other hosts", { hint });
}
