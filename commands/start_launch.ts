/** `flux start` as the launcher: brokers on this machine, or on others through a remote shell. */

import { formatHostlist, parseHostlist } from "../broker/message/mod.ts";
import { explainDisk } from "../broker/ports/disk_error.ts";
import { CommandError, UsageError } from "./command.ts";
import { logFile } from "./log_file.ts";
import { selfArgv, selfPath } from "./self.ts";

const STDERR = 2;

export interface LaunchSettings {
  /** Ranks on this machine; with `hosts` as many as these are. */
  readonly size: number;
  /** A list of hosts, or the path of a file with one. */
  readonly hosts: string | undefined;
  /** The words that follow `flux start` for the same on this list of hosts. */
  again(hosts: string): string[];
  /** The words of the remote shell, in one. */
  readonly rsh: string | undefined;
  /** Where this program is to be copied to on other hosts, and started from. */
  readonly bcast: string | undefined;
  readonly brokerArgs: readonly string[];
  readonly rootArgs: readonly string[];
  /** Seconds. */
  readonly timeout: number | undefined;
  readonly killerTimeout: number;
  readonly respawn: boolean;
  readonly verbose: boolean;
  /** Only says what would be started. */
  readonly noexec: boolean;
  warn(text: string): void;
}

/**
 * Gives the brokers that Slurm will start a key for this session in their environment, by which they know each other, also where Slurm
 * serves no PMI. Not for a user who has keys: these go through nobody's hands.
 */
export async function handOverKey(): Promise<void> {
  const [{ makeSessionSecret, readUserKey, START_SECRET }, { systemRandom }] = await Promise.all([
    import("../broker/boot/key_directory.ts"),
    import("../broker/ports/mod.ts"),
  ]);
  if (await readUserKey(Deno.env.get("FLUX_SEC_DIRECTORY"))) return;
  Deno.env.set(START_SECRET, await makeSessionSecret(systemRandom));
}

/** Runs the session from start to end; resolves to its status. */
export async function launchSession(settings: LaunchSettings): Promise<number> {
  const { brokerArgs, rootArgs, killerTimeout, respawn, verbose, warn } = settings;
  const [boot, ports, { Topology }, { checkBrokerWords }] = await Promise.all([
    import("../broker/boot/mod.ts"),
    import("../broker/ports/mod.ts"),
    import("../broker/overlay/mod.ts"),
    import("./broker_settings.ts"),
  ]);
  const { arity } = checkBrokerWords(brokerArgs);
  const { systemClock: clock, systemRandom: random, systemSpawner: spawner } = ports;
  const reachedAs = Deno.env.get(boot.START_HOST);
  Deno.env.delete(boot.START_HOST);
  const env = Deno.env.toObject();
  const hostname = Deno.hostname();
  const hosts = settings.hosts === undefined ? undefined : readHosts(settings.hosts);
  const size = hosts?.length ?? settings.size;
  const words = { self: selfArgv(), brokerArgs, rootArgs };
  const session = hosts && random.uuid();
  const local = new boot.LocalFleet({
    ...words,
    size,
    hostname,
    env,
    logFile: (rundir) => logFile(rundir, warn),
    ...(session !== undefined && { session }),
    spawner,
  });
  const rsh = settings.rsh?.split(/\s+/).filter(Boolean) ?? boot.SSH;
  if (rsh.length === 0) throw new UsageError("--rsh names no program");
  const here = hosts === undefined
    ? new Set<number>()
    : ranksHere(hosts, (host) => host === reachedAs || boot.isThisHost(host));
  const pushed = settings.bcast === undefined ? undefined : pushTarget(settings.bcast);
  const sayPush = (to: readonly string[]) => {
    const { size } = Deno.statSync(selfPath());
    for (const host of to) warn(boot.pushCommand({ rsh, path: pushed! }, host, size).join(" "));
  };
  const push = async (to: readonly string[]) => {
    const start = clock.now();
    await boot.pushProgram({ hosts: to, rsh, file: selfPath(), path: pushed!, env, spawner });
    if (verbose) warn(`copied to ${pushed} of ${to.length} hosts in ${((clock.now() - start) / 1000).toFixed(2)} s`);
  };
  if (hosts !== undefined && !here.has(0)) {
    const [host] = hosts as [string];
    const there = {
      host,
      rsh,
      isTerminal: Deno.stdin.isTerminal() && Deno.stdout.isTerminal(),
      cwd: Deno.cwd(),
      env,
      words: [...(pushed === undefined ? words.self : [pushed]), "start", ...settings.again(formatHostlist(hosts))],
    };
    if (settings.noexec) {
      if (pushed !== undefined) sayPush([host]);
      warn(boot.firstHostCommand(there).map(boot.quote).join(" "));
      return 0;
    }
    if (pushed !== undefined) await push([host]);
    if (verbose) warn(boot.firstHostCommand(there).map(boot.quote).join(" "));
    const { status, failure } = await boot.startOnFirstHost({ ...there, spawner });
    if (failure === undefined) return status;
    const { lines: [what, line], hint } = failure;
    warn(what);
    throw new CommandError(line, { status, hint });
  }
  const fleet = hosts === undefined ? local : new boot.RemoteFleet({
    ...words,
    ...(pushed !== undefined && { self: [pushed] }),
    hosts,
    here,
    local,
    session: session!,
    rsh,
    cwd: Deno.cwd(),
    env,
    spawner,
    verbose,
    isReached: reachedAs !== undefined,
    say: warn,
  });
  const others = [...new Set(hosts?.filter((_, rank) => !here.has(rank)))];
  if (settings.noexec) {
    if (pushed !== undefined) sayPush(others);
    for (let rank = 0; rank < size; rank++) warn(`${rank}: ${fleet.command(rank, "DIR").join(" ")}`);
    return 0;
  }
  if (pushed !== undefined) await push(others);
  const launch = new boot.Launch({
    fleet,
    shape: new Topology(size, arity),
    self: words.self,
    env,
    timeout: (settings.timeout ?? Math.min(60, 30 + size / 8)) * 1000,
    killerTimeout: killerTimeout * 1000,
    respawn,
    verbose,
    say: warn,
  }, { clock, random });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(name, () => launch.signal(name, ports.signalNumber(name)!));
  }
  Deno.addSignalListener("SIGQUIT", () => {}); // the terminal sends it to the initial program as well
  // Without a terminal nobody tells us that the connection from where we were started is gone.
  if (reachedAs !== undefined && !Deno.stderr.isTerminal()) {
    void ports.descriptors.ready(STDERR, "end").then(
      () =>
        launch.signal(
          "SIGHUP",
          ports.signalNumber("SIGHUP")!,
          "the connection that has brought flux start here is gone",
        ),
      () => {},
    );
  }
  using _terminal = Deno.stdin.isTerminal() ? boot.saveTerminal() : undefined;
  return await launch.run();
}

/** A path of other hosts. Throws UsageError for one that is not absolute, since nobody knows where it would begin there. */
function pushTarget(path: string): string {
  if (path.startsWith("/") && !path.endsWith("/")) return path;
  throw new UsageError(`--bcast ${path}: the absolute path of a file`);
}

/** Throws for a list that is none, and for a file that cannot be read. */
function readHosts(text: string): string[] {
  let list = text;
  if (text.includes("/")) {
    try {
      list = Deno.readTextFileSync(text).replace(/#.*/g, "");
    } catch (error) {
      throw new CommandError(`--hosts ${explainDisk(error, text).message}`);
    }
  }
  const hosts = parseHostlist(list);
  if (hosts.length === 0) throw new UsageError(`--hosts ${text}: no host is named`);
  // The remote shell would take it for an option of its own, and there are some that run programs here.
  const option = hosts.find((host) => host.startsWith("-"));
  if (option !== undefined) throw new UsageError(`--hosts ${text}: "${option}" is no name of a host`);
  return hosts;
}

function ranksHere(hosts: readonly string[], isHere: (host: string) => boolean): Set<number> {
  return new Set(hosts.flatMap((host, rank) => isHere(host) ? [rank] : []));
}
