/** `flux bcast`: a file to a directory of every rank. */

import { Idset, isErrno, parseHostlist } from "../broker/message/mod.ts";
import type { Handle } from "../broker/handle/mod.ts";
import { systemClock, systemRandom } from "../broker/ports/mod.ts";
import { broadcast, type Outcome } from "../modules/bcast/client.ts";
import { BLOCK } from "../modules/bcast/protocol.ts";
import { OpenFile } from "../modules/bcast/sent_file.ts";
import { command, CommandError, UsageError } from "./mod.ts";
import { readRanks } from "./ranks.ts";

/** Between two lines of progress, ms. */
const PACE = 1000;
/** Hosts that are named in one line. */
const HOSTS = 8;

/** Ranks that failed for the same reason. */
interface Failure {
  readonly ranks: string;
  readonly hosts: readonly string[];
  readonly error: string;
}

interface Report {
  /** Where the file is on each of `ranks`, with `{rank}` and `{host}` as they were given. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the SHA-256 digests of its blocks; null when no rank has it. */
  readonly digest: string | null;
  /** Seconds. */
  readonly duration: number;
  readonly ranks: string;
  readonly failed: readonly Failure[];
}

export default command({
  name: "bcast",
  summary: "Copy a file to a directory of every rank",
  usage: ["[OPTIONS] FILE DIR"],
  signal: true,
  options: {
    rank: { short: "r", type: "string", arg: "RANKS", complete: "rank", help: "Copy to these ranks (default: all)" },
    name: { type: "string", arg: "NAME", help: "Call it NAME there (default: as here)" },
    verbose: { short: "v", type: "flag", help: "Tell how far it has come" },
  },
  async *run({ opts, args, signal, connect, warn, json }): AsyncGenerator<Report, number> {
    const [path, directory, extra] = args;
    if (path === undefined || directory === undefined || extra !== undefined) {
      throw new UsageError("bcast needs a file and a directory");
    }
    using file = new OpenFile(path);
    const ranks = readRanks(opts.rank ?? "all") ?? "all";
    const handle = await connect();
    const start = systemClock.now();
    const offer = {
      id: systemRandom.uuid(),
      from: await handle.rank(),
      directory: directory.startsWith("/") ? directory : `${Deno.cwd()}/${directory}`,
      name: opts.name ?? path.slice(path.lastIndexOf("/") + 1),
      mode: file.mode,
      block: BLOCK,
    };
    const outcomes: Outcome[] = [];
    const progress = opts.verbose ? teller(file.size, warn) : () => {};
    try {
      for await (const outcome of broadcast(handle, file, offer, { ranks, signal, progress })) outcomes.push(outcome);
    } catch (error) {
      if (!isErrno(error, "EINVAL") || opts.rank === undefined) throw error;
      throw new CommandError(`--rank ${opts.rank}: ${error.message}`, { cause: error });
    }
    const done = outcomes.filter((outcome) => "digest" in outcome);
    const failed = done.length === outcomes.length ? [] : await failures(outcomes, handle);
    const duration = (systemClock.now() - start) / 1000;
    if (!json) { for (const one of failed) warn(`${described(one)}: ${one.error}`); }
    if (opts.verbose) {
      warn(`${megabytes(file.size)} MB to ${done.length} of ${outcomes.length} ranks in ${duration.toFixed(2)} s`);
    }
    yield {
      path: `${offer.directory.replace(/\/+$/, "")}/${offer.name}`,
      bytes: file.size,
      digest: done[0]?.digest ?? null,
      duration,
      ranks: `${new Idset(done.map(({ rank }) => rank))}`,
      failed,
    };
    if (failed.length > 0 && !json) throw new CommandError("", hint(failed));
    return failed.length > 0 ? 1 : 0;
  },
  human: () => null,
});

async function failures(outcomes: readonly Outcome[], handle: Handle): Promise<Failure[]> {
  const { value } = await handle.rpc<{ value: string }>("attr.get", { name: "hostlist" });
  const names = parseHostlist(value);
  const byError = new Map<string, number[]>();
  for (const outcome of outcomes) {
    if (!("error" in outcome)) continue;
    const { rank, error: { message } } = outcome;
    byError.set(message, [...byError.get(message) ?? [], rank]);
  }
  return [...byError].map(([error, ranks]) => ({
    ranks: `${new Idset(ranks)}`,
    hosts: [...new Set(ranks.map((rank) => names[rank] ?? "unknown host"))],
    error,
  }));
}

function described({ ranks, hosts }: Failure): string {
  const names = hosts.length <= HOSTS ? hosts.join(", ") : `${hosts.slice(0, HOSTS).join(", ")} …`;
  return `${/^\d+$/.test(ranks) ? "rank" : "ranks"} ${ranks} (${names})`;
}

function hint(failed: readonly Failure[]): { hint: string } | undefined {
  const has = (pattern: RegExp) => failed.some(({ error }) => pattern.test(error));
  if (has(/^(No service|Unknown service)/)) return { hint: "flux module load --rank all bcast" };
  if (has(/No such file or directory$/)) return { hint: "the directory must be there: flux exec mkdir -p DIR" };
  return undefined;
}

/** Tells how much of `size` bytes was given to rank 0, now and then. */
function teller(size: number, warn: (text: string) => void): (blocks: number) => void {
  let told = systemClock.now();
  return (blocks) => {
    const now = systemClock.now();
    if (now - told < PACE) return;
    told = now;
    warn(`${megabytes(Math.min(size, blocks * BLOCK))} of ${megabytes(size)} MB sent`);
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
