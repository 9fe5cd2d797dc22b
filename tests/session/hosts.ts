/**
 * Several hosts on this machine for a test: network namespaces with addresses, names and cables of their own. They share
 * the file system and the processes; each has a directory for temporary files to itself.
 *
 *     Deno.test … testUnless(withoutHosts(), "…", async () => {
 *       await using hosts = await startHosts(8);
 *       const { stdout } = await hosts.run(3, ["hostname"]);      // host3
 *       await hosts.cut(3);
 */

import { fail } from "node:assert";
import {
  executable,
  type Outcome,
  plainEnvironment,
  type Session,
  type SessionOptions,
  startSession,
  until,
} from "./session.ts";

const script = new URL("../tools/netns-up.sh", import.meta.url).pathname;
/** Names of namespaces begin with it and the process that made them, so that no two test runs meet. */
const PREFIX = "flux-test";

let made = 0;

/** Why there can be no hosts here; undefined when there can. */
export function withoutHosts(): string | undefined {
  if (Deno.uid() !== 0) return "network namespaces need root";
  try {
    const { success } = new Deno.Command("ip", { args: ["netns", "list"], stdout: "null", stderr: "null" })
      .outputSync();
    return success ? undefined : "ip netns does not work here";
  } catch {
    return "iproute2 is not installed";
  }
}

/** Makes hosts `host0` … `host(count-1)`; their end takes everything with them that was started on them. */
export async function startHosts(count: number): Promise<Hosts> {
  await removeAbandoned();
  const directory = await Deno.makeTempDir({ prefix: "flux-hosts-" });
  const hosts = new Hosts(count, directory, `${PREFIX}-${Deno.pid}-${made++}`);
  try {
    await command([script, hosts.prefix, `${count}`, directory]);
    Deno.writeTextFileSync(`${directory}/resolv.conf`, "");
    Deno.writeTextFileSync(hosts.enter, enterScript(hosts.prefix, directory), { mode: 0o755 });
    Deno.writeTextFileSync(hosts.rsh, `#!/bin/sh\nhost=$1; shift\n${hosts.enter} $host sh -c "$*"\n`, {
      mode: 0o755,
    });
    for (let host = 0; host < count; host++) Deno.mkdirSync(hosts.tmpdir(host));
    return hosts;
  } catch (error) {
    await hosts[Symbol.asyncDispose]();
    throw error;
  }
}

export interface HostCommand {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: "null" | "piped";
}

export class Hosts implements AsyncDisposable {
  readonly count: number;
  /** For the test's files; the hosts' own directories are below it. */
  readonly directory: string;
  /** Of the namespaces' names. */
  readonly prefix: string;

  constructor(count: number, directory: string, prefix: string) {
    this.count = count;
    this.directory = directory;
    this.prefix = prefix;
  }

  name(host: number): string {
    return `host${host}`;
  }

  /** Its address on the network that joins them. */
  address(host: number, family: 4 | 6 = 4): string {
    return family === 4 ? `10.77.0.${host + 1}` : `fd77::${(host + 1).toString(16)}`;
  }

  /** Where programs on this host put temporary files: `FLUX_TMPDIR` there. */
  tmpdir(host: number): string {
    return `${this.directory}/${host}`;
  }

  /** A program that runs a command on a host: `enter HOST WORDS…`. */
  get enter(): string {
    return `${this.directory}/enter`;
  }

  /** The words that run a command on a host, under its name and with its `/etc/hosts`. */
  on(host: number, words: readonly string[]): string[] {
    return [this.enter, this.name(host), ...words];
  }

  /** A program in place of ssh: `rsh HOST COMMAND LINE`. */
  get rsh(): string {
    return `${this.directory}/rsh`;
  }

  /**
   * Starts a session with its ranks on these hosts, rank 0 on the first, in place of `size`. Its clients reach rank 0 from
   * here, too; another rank by `flux exec -r`.
   */
  async startSession(
    options: Omit<SessionOptions, "size" | "where" | "through"> & { readonly on?: readonly number[] } = {},
  ): Promise<Session> {
    const { on = Array.from({ length: this.count }, (_, host) => host), ...rest } = options;
    const list = on.map((host) => this.name(host)).join(",");
    const where = [`--hosts=${list}`, `--rsh=${this.rsh}`];
    return await startSession({ ...rest, size: on.length, where, through: this.on(on[0]!, []) });
  }

  /** Resolves when no process runs on any host. */
  async quiet(): Promise<void> {
    for (let host = 0; host < this.count; host++) {
      await until(`nothing runs on ${this.name(host)}`, async () => (await this.processes(host)).length === 0);
    }
  }

  /** Starts a command on a host, with its output piped. */
  spawn(host: number, words: readonly string[], { env, cwd, stdin = "null" }: HostCommand = {}): Deno.ChildProcess {
    const [program, ...args] = this.on(host, words);
    return new Deno.Command(program!, {
      args,
      stdin,
      stdout: "piped",
      stderr: "piped",
      cwd: cwd ?? this.tmpdir(host),
      clearEnv: true,
      env: plainEnvironment({ FLUX_TMPDIR: this.tmpdir(host), ...env }),
    }).spawn();
  }

  /** Runs a command on a host to its end. */
  async run(host: number, words: readonly string[], options: HostCommand = {}): Promise<Outcome> {
    const { code, signal, stdout, stderr } = await this.spawn(host, words, options).output();
    return { code, signal, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  }

  /** Runs the executable on a host to its end. */
  flux(host: number, args: readonly string[], options: HostCommand = {}): Promise<Outcome> {
    return this.run(host, [executable, ...args], options);
  }

  /** Takes a host's cable out: what others send it is lost, and nobody is told. */
  cut(host: number): Promise<void> {
    return command([script, this.prefix, "cut", `${host}`]);
  }

  heal(host: number): Promise<void> {
    return command([script, this.prefix, "heal", `${host}`]);
  }

  /** Parts these hosts from the others; among themselves they go on. */
  async split(hosts: readonly number[]): Promise<void> {
    for (const host of hosts) await command([script, this.prefix, "split", `${host}`]);
  }

  async join(hosts: readonly number[]): Promise<void> {
    for (const host of hosts) await command([script, this.prefix, "join", `${host}`]);
  }

  /** Processes that run on a host. */
  async processes(host: number): Promise<number[]> {
    const { stdout } = await new Deno.Command("ip", {
      args: ["netns", "pids", `${this.prefix}-${this.name(host)}`],
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout).split("\n").filter(Boolean).map(Number);
  }

  /** Kills everything that runs on a host, as its power failing would. */
  async kill(host: number): Promise<void> {
    for (let pids = await this.processes(host); pids.length > 0; pids = await this.processes(host)) {
      for (const pid of pids) {
        try {
          Deno.kill(pid, "SIGKILL");
        } catch {
          // Gone meanwhile.
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (let host = 0; host < this.count; host++) await this.kill(host);
    } finally {
      await command([script, this.prefix, "down"]);
      await Deno.remove(this.directory, { recursive: true });
    }
  }
}

function enterScript(prefix: string, directory: string): string {
  return `#!/bin/sh
exec nsenter --net=/run/netns/${prefix}-$1 unshare --uts --mount sh -c '
  hostname "$1"; shift
  mount --bind ${directory}/hosts /etc/hosts
  mount --bind ${directory}/resolv.conf /etc/resolv.conf
  exec "$@"' sh "$@"
`;
}

/** Removes the hosts of test runs that were killed. */
async function removeAbandoned(): Promise<void> {
  const { stdout } = await new Deno.Command("ip", { args: ["netns", "list"] }).output();
  const prefixes = new Set(new TextDecoder().decode(stdout).match(/^flux-test-\d+-\d+/gm) ?? []);
  for (const prefix of prefixes) {
    const pid = /-(\d+)-/.exec(prefix)?.[1];
    if (pid !== `${Deno.pid}` && !isThere(`/proc/${pid}`)) await command([script, prefix, "down"]);
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

async function command([program, ...args]: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program!, { args, stdout: "null", stderr: "piped" }).output();
  if (!success) fail(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
