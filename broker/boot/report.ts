/** The words in which people are told of brokers that are late, lost, or ended otherwise than in order. Pure. */

import { formatHostlist, Idset } from "../message/mod.ts";
import type { ExitStatus, Security } from "../ports/mod.ts";
import { PROGRESS, type Progress } from "./member.ts";

/** `exited with rc=1`, `SIGKILL` (cli.md §3.2). */
export function describeExit({ code, signal }: ExitStatus): string {
  return signal ?? `exited with rc=${code}`;
}

/** `rank 3` or `ranks 1,3-4`. */
export function describeRanks(ranks: Iterable<number>): string {
  const set = new Idset(ranks);
  return `${set.size === 1 ? "rank" : "ranks"} ${set}`;
}

/** Ranks by what is to be said of them, in the order in which that came up. */
export class Grouped {
  readonly #ranks = new Map<string, number[]>();

  add(rank: number, text: string): void {
    this.#ranks.set(text, [...this.#ranks.get(text) ?? [], rank]);
  }

  /** A line for each text; then it is empty. */
  take(): string[] {
    const lines = [...this.#ranks].map(([text, ranks]) => `${describeRanks(ranks)}${text}`);
    this.#ranks.clear();
    return lines;
  }
}

export interface Late {
  readonly rank: number;
  readonly progress: Progress;
  /** Ranks below it in the tree that wait for it. */
  readonly below: number;
}

/**
 * Of the ranks that are not up, those to blame: they have come least far, and none of their ancestors is among them. Until
 * all have come to the barrier of the wire-up, everyone else waits for those that have not.
 */
export function lateRanks(progress: readonly Progress[], parent: (rank: number) => number | null): Late[] {
  const ranks = progress.map((_, rank) => rank);
  const absent = ranks.filter((rank) => step(progress[rank]!) < step("waiting"));
  const least = Math.min(...progress.map(step));
  const culprits = new Set(absent.length > 0 ? absent : ranks.filter((rank) => step(progress[rank]!) === least));
  /** The culprit that is nearest to rank 0 on the way there from `rank`, itself included. */
  const blamed = (rank: number): number | undefined => {
    let top: number | undefined;
    for (let at: number | null = rank; at !== null; at = parent(at)) if (culprits.has(at)) top = at;
    return top;
  };
  const tops = ranks.map(blamed);
  return ranks.filter((rank) => tops[rank] === rank).map((rank) => ({
    rank,
    progress: progress[rank]!,
    below: tops.filter((top) => top === rank).length - 1,
  }));
}

/**
 * Ranks that are missing, by host, each with those below it in the tree that are missing too: `node4 (rank 3) and 2 below it`. Hosts
 * that are not known are left out.
 */
export function describeMissing(
  missing: readonly number[],
  hosts: readonly string[],
  parent: (rank: number) => number | null,
): string {
  const all = new Set(missing);
  const below = new Map<number, number>();
  for (const rank of missing) {
    let top = rank;
    for (let at = parent(rank); at !== null && all.has(at); at = parent(at)) top = at;
    below.set(top, (below.get(top) ?? -1) + 1);
  }
  const [alone, others] = [[...below].filter(([, count]) => count === 0), [...below].filter(([, count]) => count > 0)];
  const name = (ranks: number[]) => {
    const named = ranks.map((rank) => hosts[rank]).filter((host) => host !== undefined);
    return named.length < ranks.length ? describeRanks(ranks) : `${formatHostlist(named)} (${describeRanks(ranks)})`;
  };
  const parts = others.map(([rank, count]) => `${name([rank])} and ${count} below it`);
  if (alone.length > 0) parts.push(name(alone.map(([rank]) => rank)));
  return parts.join(", ");
}

const WHERE: Readonly<Record<Progress, string>> = {
  spawned: "it has not answered",
  connected: "it has not finished its wire-up",
  waiting: "it waits for other ranks",
  joining: "it has not joined the tree",
  joined: "it waits for other ranks",
  up: "it is up",
};

/**
 * `rank 3 (vm, pid 17) …: it has not joined the tree; 2 ranks below it wait for it`. `verb` says what it did not do, `said` what was heard
 * of it before it could answer.
 */
export function describeLate(
  late: Late,
  { where, isStopped, said }: { where: string; isStopped: boolean; said?: string | undefined },
  verb: string,
): string {
  const { rank, progress, below } = late;
  const words = said && progress === "spawned" ? `, and says "${said}"` : "";
  const reason = isStopped ? "the process is stopped" : WHERE[progress] + words;
  const waiting = below === 0
    ? ""
    : below === 1
    ? "; 1 rank below it waits for it"
    : `; ${below} ranks below it wait for it`;
  return `rank ${rank} (${where}) ${verb}: ${reason}${waiting}`;
}

function step(progress: Progress): number {
  return PROGRESS.indexOf(progress);
}

/** What people should know of links between hosts that are secured so; undefined when they need not be warned. */
export function exposure(security: Security): string | undefined {
  if (security === "none") {
    return "links have no keys (--security none): whoever reaches a port of this session acts as its owner";
  }
  if (security === "curve") return undefined;
  return "links are not encrypted (--security plain): whoever is on the way between the hosts reads all that is said, " +
    "the passwords too, and can act as the owner";
}
