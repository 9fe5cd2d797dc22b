/**
 * N parties meet: what is counted up the tree, and the words for it (rulings "fence", "barrier"). Pure. Every rank gathers
 * (`Gathering`) what its clients and children bring and passes it on; rank 0 counts (`Meetings`) and decides.
 *
 * Invariant: a batch is known by (rank, instance, number) wherever it goes, so one that is sent again, also over another
 * parent, counts once; and it is settled once, with the outcome of the meeting that it was counted in.
 */

import { type Errno, errnum, FluxError, Idset, type JsonObject } from "../message/mod.ts";

/** What all parties of a meeting have to say alike. */
export interface Terms {
  readonly name: string;
  /** Whose name it is: equal names of different users are different meetings. */
  readonly scope: string;
  /** How many parties meet. */
  readonly nprocs: number;
  /** The ranks that take part, an idset: the death of one of them fails the meeting. Anybody unless given. */
  readonly ranks?: string;
  /** What else must be equal. */
  readonly agreed?: JsonObject;
}

/** How long the parties want to wait, ms: as they said it, and what is left of that. */
export interface Patience {
  readonly whole: number;
  readonly left: number;
}

/** Parties that entered on one rank at about the same time. */
export interface Batch {
  readonly rank: number;
  /** Which life of the service on that rank made it. */
  readonly instance: string;
  /** One more for each batch of the instance. */
  readonly number: number;
  /** Earlier numbers of the instance that were not settled when this was made: all others are, for ever. */
  readonly open: readonly number[];
  /** Parties in it. */
  count: number;
  /** What they brought, in the order they came. */
  readonly bodies: Uint8Array[];
  /** Why one of them will not wait for the outcome: it fails the meeting with ECONNABORTED. */
  withdrawn?: string;
}

/** Batches of one meeting on their way up. */
export interface Parcel {
  readonly terms: Terms;
  readonly patience?: Patience;
  readonly batches: readonly Batch[];
}

/** What became of a meeting, for everyone in it. */
export interface Outcome {
  /** 0, or the error number. */
  readonly errnum: number;
  readonly text?: string;
  /** What its parties are answered. */
  readonly value?: JsonObject;
}

export function batchId({ rank, instance, number }: Pick<Batch, "rank" | "instance" | "number">): string {
  return `${rank}/${instance}/${number}`;
}

/** The name of a meeting among those of all users. */
export function scopedName({ scope, name }: Pick<Terms, "scope" | "name">): string {
  return `${scope} ${name}`;
}

/** Equal for equal terms only. */
export function termsKey({ scope, name, nprocs, ranks, agreed }: Terms): string {
  return JSON.stringify([scope, name, nprocs, ranks ?? null, agreed ?? null]);
}

export function failed(code: Errno, text: string): Outcome {
  return { errnum: errnum(code), text };
}

/** The outcome that an error stands for; EPROTO for what is no {@link FluxError}. */
export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof FluxError)) return failed("EPROTO", String(error));
  return error.hasText ? { errnum: error.errnum, text: error.message } : { errnum: error.errnum };
}

/** What is different in the terms of one who came later. */
export function difference(first: Terms, late: Terms): string {
  const before: JsonObject = { nprocs: first.nprocs, ranks: first.ranks ?? null, ...first.agreed };
  const after: JsonObject = { nprocs: late.nprocs, ranks: late.ranks ?? null, ...late.agreed };
  return Object.keys({ ...before, ...after })
    .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
    .map((field) =>
      `"${field}" is ${JSON.stringify(after[field])}, for those who came first ${JSON.stringify(before[field])}`
    )
    .join(", ");
}

/** Who has entered: `ranks 0-2`, or `2 each on ranks 0-1, 1 on rank 7`; nobody is `no rank`. */
export function whoEntered(batches: Iterable<Batch>): string {
  const counts = new Map<number, number>();
  for (const { rank, count } of batches) counts.set(rank, (counts.get(rank) ?? 0) + count);
  const byCount = new Map<number, Idset>();
  for (const [rank, count] of counts) {
    const ranks = byCount.get(count) ?? new Idset();
    byCount.set(count, ranks.add(rank));
  }
  const groups = [...byCount].sort(([, a], [, b]) => a.first()! - b.first()!);
  if (groups.length === 0) return "no rank";
  const [[count, ranks]] = groups as [[number, Idset]];
  if (groups.length === 1 && count === 1) return rankWords(ranks);
  return groups.map(([count, ranks]) => `${count}${ranks.size > 1 ? " each" : ""} on ${rankWords(ranks)}`).join(", ");
}

/** `rank 3`, `ranks 0-2,5`. */
export function rankWords(ranks: Idset): string {
  return `rank${ranks.size === 1 ? "" : "s"} ${ranks}`;
}
