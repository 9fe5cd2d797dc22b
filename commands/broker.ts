/** `flux broker`: one rank of a session (cli.md §2.2). `flux start` runs it; alone it is a session of one. */

import { BROKER_OPTIONS } from "./broker_options.ts";
import { VERSION } from "./build.ts";
import { command, CommandError, UsageError } from "./mod.ts";
import { readConfig } from "./config_files.ts";
import { logFile } from "./log_file.ts";
import { selfArgv } from "./self.ts";
import { ownStrayErrors } from "./stray_errors.ts";

export default command({
  name: "broker",
  summary: "Run a message broker: one rank of a session",
  usage: ["[OPTIONS] [INITIAL-PROGRAM [ARGS...]]"],
  options: BROKER_OPTIONS,
  async run({ opts, args, warn }) {
    const [boot, { Broker }, zmq, ports, { Topology }, { fileOutput }, settings] = await Promise.all([
      import("../broker/boot/mod.ts"),
      import("../broker/broker.ts"),
      import("../broker/overlay/zmq/mod.ts"),
      import("../broker/ports/mod.ts"),
      import("../broker/overlay/mod.ts"),
      import("../broker/service/log_output.ts"),
      import("./broker_settings.ts"),
    ]);
    const { arity, security, heartrate, attributes, statedir, modules, method: asked } = settings.readSettings(opts);
    const env = Deno.env.toObject();
    const config = opts["config-path"] === undefined ? {} : await readConfig(opts["config-path"]);
    const bootstrap = config.bootstrap === undefined ? undefined : boot.readBootstrap(config.bootstrap);
    if (!bootstrap && opts.rank !== undefined) {
      throw new UsageError("--rank is a place in [bootstrap], and --config-path gives none");
    }
    const method = bootstrap
      ? boot.configuredMethod(bootstrap, opts.rank ?? boot.ownRank(bootstrap, Deno.hostname()))
      : boot.bootMethod(asked, (name) => env[name]);
    const { rank, size } = method;
    const rundir = opts["scratch-directory"];
    // What flux start names it makes once the first of us is there.
    if (rundir !== undefined && method.kind !== "start") checkDirectory(rundir, boot.checkPrivate);
    const path = opts["module-path"];
    if (path !== undefined) Deno.env.set("FLUX_MODULE_PATH", [path, env.FLUX_MODULE_PATH].filter(Boolean).join(":"));
    const grace = opts["shutdown-grace"] ?? settings.shutdownGrace(size);
    const { systemClock: clock, systemRandom: random, systemSpawner: spawner } = ports;
    const hostname = boot.hostnameOf(method, env, Deno.hostname());
    const isSecured = security !== "none" && size > 1;
    const userKey = () =>
      bootstrap?.certificate === undefined ? boot.sessionKey(env) : boot.certifiedKey(bootstrap.certificate);
    if (method.kind === "slurm" && isSecured && !await userKey()) return refuseStrangers(rank);
    if (method.kind === "config" && isSecured && !await userKey()) {
      throw new CommandError("[bootstrap] names no curve_cert, and you have no keys of flux keygen", {
        hint: "each host needs the same ones: flux keygen, or curve_cert = PATH",
      });
    }
    const transport = zmq.zmqTransport({ clock, random });
    return await boot.runRank({
      method,
      hostname,
      interfaceHint: attributes["tbon.interface-hint"],
      rundir,
      self: selfArgv(),
      // What a system starts has no terminal, and runs until it is told to end.
      program: method.kind === "config" && args.length === 0 && !Deno.stdin.isTerminal() ? undefined : args,
      env,
      shape: new Topology(size, arity),
      timeout: opts.timeout * 1000,
      patience: opts["killer-timeout"] * 1000,
      quiet: opts.quiet,
      security: isSecured ? security : "none",
      async keys() {
        if (!isSecured) return undefined;
        if (method.kind !== "config") return { ...zmq.curveKeypair(), mechanism: security };
        return (await userKey())!.linkKeys({ session: method.config.session, size, rank }, security);
      },
      userKey,
      nodeAddress: (name) =>
        boot.nodeAddress(name, hostname, env, { clock, spawner, resolve: (host) => zmq.resolveHost(host) }),
      say: warn,
      broker: ({ rundir, keys, rankOf, level, restart }) => {
        // Rank 0 writes the session's log; what the others cannot get to it they put there themselves.
        const logdest = rank === 0 && opts.logdest === "auto" ? logFile(rundir, warn) : opts.logdest;
        const output = logdest === "stderr" || logdest === "auto" ? undefined : fileOutput(logdest);
        const log = output && (rank === 0 ? { logSink: output } : { logAlarm: output });
        const broker = new Broker({
          rank,
          size,
          arity,
          userid: Deno.uid() ?? 0,
          hostname,
          version: VERSION,
          pid: Deno.pid,
          rundir,
          keys,
          rankOf,
          modules: modules(rank),
          attributes,
          config,
          facts: {
            "broker.boot-method": asked === "single" ? "single" : method.kind === "fd" ? "simple" : method.kind,
            ...(env.FLUX_URI && { "parent-uri": env.FLUX_URI }),
            ...(level !== undefined && { "instance-level": `${level}`, jobid: env.FLUX_JOB_ID ?? "" }),
            ...(statedir !== undefined && { statedir: absolute(statedir) }),
            ...(opts.sid !== undefined && { "session-id": opts.sid }),
          },
          environment: () => boot.programEnvironment(Deno.env.toObject(), `local://${rundir}/local-${rank}`, rundir),
          heartrate,
          grace: grace * 1000,
          ...(restart && { restart }),
          ...log,
        }, {
          clock,
          random,
          spawner,
          transport,
          stores: ports.sqliteStores,
          files: ports.systemFiles,
        });
        ownStrayErrors((error) => broker.modules.blame(error));
        return broker;
      },
    }, { clock, random, spawner, transport });
  },
});

/** Slurm has started brokers that have no means to know each other. One of them says so. */
function refuseStrangers(rank: number): number {
  if (rank > 0) return 1;
  throw new CommandError("Slurm serves no PMI to these tasks, and they have no key by which to know each other", {
    hint: "srun --mpi=pmi2 flux start …, or flux start -N …; or once: flux keygen",
  });
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

/**
 * Throws a line that says what is wrong with the directory given for sockets: links without keys are open to whoever reaches them,
 * so it must be closed to others.
 */
function checkDirectory(
  path: string,
  checkPrivate: (path: string, info: Deno.FileInfo, uid: number | null) => void,
): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CommandError(`${path}: No such file or directory`);
  }
  if (!info.isDirectory) throw new CommandError(`${path}: Not a directory`);
  if (((info.mode ?? 0) & 0o700) !== 0o700) throw new CommandError(`${path}: mode should be u+rwx`);
  checkPrivate(path, info, Deno.uid());
}
