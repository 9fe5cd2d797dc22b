/**
 * A Slurm of a test's own: its nodes are on this machine, or on hosts of the test (hosts.ts).
 *
 *     await using slurm = await startSlurm(8);
 *     const { stdout } = await slurm.run(["srun", "-N4", "-l", "hostname"]);
 */

import { fail } from "node:assert";
import type { Hosts } from "./hosts.ts";
import { type Outcome, plainEnvironment, until } from "./session.ts";

const script = new URL("../tools/slurm-up.sh", import.meta.url).pathname;
const NEEDED = ["slurmctld", "slurmd", "srun", "munged"];

/** Why there can be no Slurm here; undefined when there can. */
export function withoutSlurm(): string | undefined {
  if (Deno.uid() !== 0) return "a Slurm of one's own needs root";
  const path = `${Deno.env.get("PATH")}:/usr/sbin:/sbin`.split(":");
  const missing = NEEDED.find((name) => !path.some((directory) => isFile(`${directory}/${name}`)));
  return missing && `${missing} is not installed`;
}

/** Why its control groups cannot be used; undefined when they can. */
export function withoutControlGroups(): string | undefined {
  const probe = `/sys/fs/cgroup/freezer/flux-test-${Deno.pid}`;
  try {
    Deno.statSync("/sys/fs/cgroup/freezer/cgroup.procs");
    Deno.mkdirSync(probe);
    Deno.removeSync(probe);
    return undefined;
  } catch {
    return "there are no control groups of version 1 to write to; those of version 2 Slurm asks systemd for";
  }
}

export interface SlurmSettings {
  /** Processors of each node; 64 unless given. */
  readonly cpus?: number;
  /** Knows the processes of a step by control groups, also those that have left their parents. */
  readonly controlGroups?: boolean;
}

/** Starts one with `nodes` nodes: node1 …, or host0 … of `hosts`, where the last host is the login node. */
export async function startSlurm(nodes: number, hosts?: Hosts, settings: SlurmSettings = {}): Promise<Slurm> {
  const directory = await Deno.makeTempDir({ prefix: "flux-slurm-" });
  const slurm = new Slurm(directory, hosts?.on(nodes, []) ?? []);
  try {
    const { cpus, controlGroups } = settings;
    await command([script, directory, `${nodes}`, hosts?.enter ?? `${freePorts(nodes + 2)}`], {
      ...(cpus !== undefined && { CPUS: `${cpus}` }),
      // Groups have the names of nodes; those of another test run are others.
      ...(controlGroups && { TRACK: "cgroup", NODE: `flux-test-${Deno.pid}-node` }),
    });
    for (const name of ["work", "tmp"]) Deno.mkdirSync(`${directory}/${name}`, { recursive: true });
    return slurm;
  } catch (error) {
    await slurm[Symbol.asyncDispose]();
    throw error;
  }
}

export interface SlurmCommand {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: "null" | "piped";
  /** Puts it in a process group of its own. */
  readonly detached?: boolean;
}

export class Slurm implements AsyncDisposable {
  readonly directory: string;
  readonly #enter: readonly string[];

  constructor(directory: string, enter: readonly string[]) {
    this.directory = directory;
    this.#enter = enter;
  }

  /** Where commands run. */
  get work(): string {
    return `${this.directory}/work`;
  }

  get environment(): Record<string, string> {
    const { directory } = this;
    return plainEnvironment({
      SLURM_CONF: `${directory}/slurm.conf`,
      MUNGE_SOCKET: `${directory}/munge/munge.socket`,
      FLUX_TMPDIR: this.work,
      FLUX_SEC_DIRECTORY: `${directory}/keys`,
    });
  }

  /** The words that run a command on the login node. */
  words(words: readonly string[]): string[] {
    return [...this.#enter, ...words];
  }

  spawn(words: readonly string[], { env, stdin = "null", detached = false }: SlurmCommand = {}): Deno.ChildProcess {
    const [program, ...args] = this.words(words);
    return new Deno.Command(program!, {
      args,
      stdin,
      stdout: "piped",
      stderr: "piped",
      cwd: this.work,
      clearEnv: true,
      env: { ...this.environment, ...env },
      detached,
    }).spawn();
  }

  /** Runs a command to its end. */
  async run(words: readonly string[], options: SlurmCommand = {}): Promise<Outcome> {
    return await outcome(this.spawn(words, options));
  }

  /** Resolves when there is no job any more. */
  async quiet(): Promise<void> {
    await until("there is no job", async () => (await this.run(["squeue", "-h"])).stdout === "");
  }

  /** Run directories that are there. */
  rundirs(): string[] {
    return [...Deno.readDirSync(this.work)].map(({ name }) => name).filter((name) => /^flux-\w{6}$/.test(name));
  }

  /** The process of a rank of the only session there is; undefined while it is not there. */
  pid(rank: number): number | undefined {
    for (const name of this.rundirs()) {
      try {
        return Number(Deno.readTextFileSync(`${this.work}/${name}/broker-${rank}.pid`));
      } catch {
        // It is on another node.
      }
    }
    return undefined;
  }

  /** The session's log so far. */
  get log(): string {
    try {
      return Deno.readTextFileSync(`${this.work}/cmbd.log`);
    } catch {
      return "";
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (isFile(`${this.directory}/env.sh`)) await command([script, this.directory, "stop"]);
    } finally {
      await Deno.remove(this.directory, { recursive: true });
    }
  }
}

/** What a command has said, and how it ended. */
export async function outcome(child: Deno.ChildProcess): Promise<Outcome> {
  const { code, signal, stdout, stderr } = await child.output();
  return { code, signal, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** The first of `count` ports in a row that nobody listens on. */
function freePorts(count: number): number {
  for (let tries = 0; tries < 100; tries++) {
    const first = 32_000 + Math.floor(Math.random() * 25_000);
    try {
      for (let port = first; port < first + count; port++) Deno.listen({ hostname: "127.0.0.1", port }).close();
      return first;
    } catch {
      // One of them is taken.
    }
  }
  return fail(`no ${count} free ports in a row`);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function command([program, ...args]: string[], env: Record<string, string> = {}): Promise<void> {
  const { success, stderr } = await new Deno.Command(program!, { args, env, stdout: "null", stderr: "piped" }).output();
  if (!success) fail(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
