/**
 * The part of one rank in meetings (see rendezvous.ts): it gathers what its clients and children bring, passes it on in
 * few parcels, and hands the outcome to those who wait for it. Pure.
 *
 * Invariants: a batch is held until it is settled, so that what went to a parent that is lost can be sent again. Whoever
 * waits is answered once.
 */

import { type Errno, errnum, Idset } from "../message/mod.ts";
import { type Attendance, Experience, type Place } from "./attendance.ts";
import {
  type Batch,
  batchId,
  failed,
  type Outcome,
  type Parcel,
  rankWords,
  scopedName,
  type Terms,
  termsKey,
} from "./rendezvous.ts";

/** What is passed on waits this long for more, ms, at each rank on its way, */
const GATHER = 1;
/** and this long for those who may be expected: without them the meeting is not complete anyway. */
const EXPECT = 50;
/** Waits before a parcel is sent again: at first and at most, ms. */
const RETRY_FIRST = 10, RETRY_LONGEST = 1000;
/** So often nobody above us may know the service. */
const REFUSALS = 5;
/** Rank 0 says when time is up; it has this long to say so, ms. */
const LATE = 2000;
/** Bytes of bodies in one parcel, unless a single batch has more. */
const PARCEL_SIZE = 1 << 24;

/** `W` is who waits: a party, or a child's parcel. */
export type GatheringStep<W> =
  | { kind: "forward"; key: string; ids: readonly string[]; parcel: Parcel }
  /** Without `of` it stands for all that `to` waits for; otherwise the rest is to be sent again. */
  | { kind: "answer"; to: W; outcome: Outcome; of?: readonly string[] }
  /** Call `flush(key)` after `ms`, for 0 in a microtask. */
  | { kind: "flush"; key: string; ms: number }
  /** Call `expire(key)` after `ms`, instead of what was asked for that key before; not at all, without `ms`. */
  | { kind: "expire"; key: string; ms?: number };

export interface GatheringOptions extends Place {
  /** What is met for, in texts. */
  readonly label: string;
  /** This life of the service, unlike all others. */
  readonly instance: string;
}

export interface Entry<W> {
  readonly terms: Terms;
  /** Answered once. */
  readonly waiter: W;
  /** Who enters: nobody does twice at a time. */
  readonly client: string;
  /** Parties that it enters for. */
  readonly count: number;
  readonly body?: Uint8Array;
  /** ms */
  readonly timeout?: number | undefined;
}

interface Waiting<W> {
  readonly to: W;
  readonly ids: string[];
  /** A party of this rank, and its name among all that wait. */
  readonly party?: string;
}

interface Held<W> {
  readonly id: string;
  readonly batch: Batch;
  readonly group: Group<W>;
  waiting: Waiting<W>[];
}

/** Batches with equal terms. */
interface Group<W> extends Attendance {
  readonly key: string;
  readonly terms: Terms;
  readonly held: Set<Held<W>>;
  readonly unsent: Set<Held<W>>;
  /** A batch of our own that may still grow. */
  growing: Held<W> | undefined;
  patience: { whole: number; deadline: number } | undefined;
  /** The next flush: 0 is in this turn. */
  due: number | undefined;
  sent: boolean;
  retry: number;
  refusals: number;
}

export class Gathering<W> {
  readonly #options: GatheringOptions;
  readonly #groups = new Map<string, Group<W>>();
  readonly #held = new Map<string, Held<W>>();
  readonly #waiting = new Map<W, Waiting<W>>();
  /** Parties of this rank: who has entered under which name. */
  readonly #parties = new Map<string, Held<W>>();
  /** Numbers of our own batches that are not settled, oldest first. */
  readonly #open = new Set<number>();
  readonly #experience: Experience;
  #number = 0;

  constructor(options: GatheringOptions) {
    this.#options = options;
    this.#experience = new Experience(options);
  }

  /** Parties and children that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** A party enters. It is answered EEXIST if it is in already, which fails the meeting; EINVAL where it may not enter. */
  enter(entry: Entry<W>, now: number): GatheringStep<W>[] {
    const { terms, waiter, client, count, timeout } = entry;
    const { rank } = this.#options;
    const refuse = (code: Errno, why: string) => this.#answer(waiter, failed(code, this.#text(terms, why)));
    const party = `${client} ${scopedName(terms)}`;
    const before = this.#parties.get(party);
    if (before) {
      const steps = this.#withdraw(before, `a client on rank ${rank} entered twice`, now);
      return [refuse("EEXIST", "this client has entered already"), ...steps];
    }
    if (count > terms.nprocs) return [refuse("EINVAL", `${count} cannot enter where ${terms.nprocs} meet`)];
    const members = terms.ranks === undefined ? undefined : Idset.parse(terms.ranks);
    if (members && !members.has(rank)) {
      return [refuse("EINVAL", `rank ${rank} is none of those that take part: ${rankWords(members)}`)];
    }
    const group = this.#group(terms);
    const held = this.#grow(group, entry);
    const waiting = { to: waiter, ids: [held.id], party };
    held.waiting.push(waiting);
    this.#waiting.set(waiter, waiting);
    this.#parties.set(party, held);
    const patience = timeout === undefined ? [] : this.#patience(group, timeout, timeout, now);
    return [...patience, ...this.#schedule(group, now)];
  }

  /** A child brings a parcel over the link `from`. */
  take({ terms, patience, batches }: Parcel, waiter: W, from: string, now: number): GatheringStep<W>[] {
    const group = this.#group(terms);
    let count = group.brought.get(from) ?? 0;
    const waiting: Waiting<W> = { to: waiter, ids: [] };
    this.#waiting.set(waiter, waiting);
    let isUrgent = false;
    for (const batch of batches) {
      const id = batchId(batch);
      const held = this.#held.get(id);
      if (!held) {
        this.#hold(group, batch).waiting.push(waiting);
        count += batch.count;
      } else {
        held.waiting.push(waiting);
        if (batch.withdrawn !== undefined && held.batch.withdrawn === undefined) {
          held.batch.withdrawn = batch.withdrawn;
          held.group.unsent.add(held);
        }
      }
      waiting.ids.push(id);
      isUrgent ||= batch.withdrawn !== undefined;
    }
    group.brought.set(from, count);
    const steps = patience ? this.#patience(group, patience.whole, patience.left, now) : [];
    return [...steps, ...(isUrgent ? this.#flushIn(group, 0, now) : this.#schedule(group, now))];
  }

  /** A party does not wait any more. */
  leave(waiter: W, now: number): GatheringStep<W>[] {
    const waiting = this.#waiting.get(waiter);
    if (waiting?.party === undefined) return [];
    const held = this.#parties.get(waiting.party)!;
    this.#waiting.delete(waiter);
    this.#parties.delete(waiting.party);
    held.waiting = held.waiting.filter((other) => other !== waiting);
    return this.#withdraw(held, `a client on rank ${this.#options.rank} is gone`, now);
  }

  /** Batches of this rank's own parties that wait for a rank, by their ids. */
  waitingFor(rank: number): string[] {
    const own = new Set(this.#parties.values());
    return [...own].filter(({ group: { terms: { ranks } } }) => ranks !== undefined && Idset.parse(ranks).has(rank))
      .map(({ id }) => id);
  }

  /** The process of a rank that these batches wait for has failed, and rank 0 does not know that they had been waiting. */
  failed(rank: number, ids: readonly string[], now: number): GatheringStep<W>[] {
    return ids.flatMap((id) => {
      const held = this.#held.get(id);
      return held ? this.#withdraw(held, `rank ${rank} is gone`, now) : [];
    });
  }

  /** The service ends here: its parties will not wait. */
  leaveAll(now: number): GatheringStep<W>[] {
    const own = [...new Set(this.#parties.values())];
    const why = `the service ended on rank ${this.#options.rank}`;
    const steps = own.flatMap((held) => this.#withdraw(held, why, now));
    if (this.#options.rank === 0) return steps;
    return [...new Set(own.map(({ group }) => group.key))].flatMap((key) => this.flush(key, now));
  }

  /** Passes on what was not yet. */
  flush(key: string, now: number): GatheringStep<W>[] {
    const group = this.#groups.get(key);
    if (!group) return [];
    group.due = undefined;
    if (group.unsent.size === 0) return [];
    group.growing = undefined;
    group.sent = true;
    const { terms, patience } = group;
    const left = patience && { whole: patience.whole, left: Math.max(0, patience.deadline - now) };
    const parcels = [...parts(group.unsent)];
    group.unsent.clear();
    return parcels.map((some) => ({
      kind: "forward",
      key,
      ids: some.map(({ id }) => id),
      parcel: { terms, ...(left && { patience: left }), batches: some.map(({ batch }) => batch) },
    }));
  }

  /** A parcel of these batches was answered: for all of them, or for some, and then the others go again. */
  answered(key: string, ids: readonly string[], outcome: Outcome, now: number, of = ids): GatheringStep<W>[] {
    const steps = this.settle(of, outcome);
    const group = this.#groups.get(key);
    if (!group || of === ids) return steps;
    this.#again(group, ids);
    return [...steps, ...this.#flushIn(group, 0, now)];
  }

  /** A parcel was not delivered, or its answer is lost. It is sent again, unless the reason has come up too often. */
  undelivered(key: string, ids: readonly string[], reason: Outcome, now: number): GatheringStep<W>[] {
    const group = this.#groups.get(key);
    if (!group) return [];
    const isUnknown = reason.errnum === errnum("ENOSYS");
    if (isUnknown && ++group.refusals >= REFUSALS) return this.settle(ids, reason);
    if (!isUnknown && reason.errnum !== errnum("EHOSTUNREACH")) return this.settle(ids, reason);
    this.#again(group, ids);
    group.retry = Math.min(RETRY_LONGEST, group.retry === 0 ? RETRY_FIRST : group.retry * 2);
    return this.#flushIn(group, group.retry, now);
  }

  /** Fails a group for which time has been up for a while. */
  expire(key: string, now: number): GatheringStep<W>[] {
    const group = this.#groups.get(key);
    if (!group?.patience || group.patience.deadline + LATE > now) return [];
    const why = `not complete within ${group.patience.whole / 1000} s, and rank 0 does not answer`;
    return this.settle([...group.held].map(({ id }) => id), failed("ETIMEDOUT", this.#text(group.terms, why)));
  }

  /** Tells those who wait for these batches what became of them. */
  settle(ids: Iterable<string>, outcome: Outcome): GatheringStep<W>[] {
    const told = new Map<Waiting<W>, string[]>();
    const over: GatheringStep<W>[] = [];
    for (const id of ids) {
      const held = this.#held.get(id);
      if (!held) continue;
      this.#drop(held);
      const { key, terms, patience } = held.group;
      const isOver = held.group.held.size === 0;
      if (isOver && patience && this.#options.rank !== 0) over.push({ kind: "expire", key });
      if (isOver && outcome.errnum === 0) this.#experience.learn(terms, held.group);
      for (const waiting of held.waiting) {
        const done = told.get(waiting);
        if (done) done.push(id);
        else told.set(waiting, [id]);
      }
    }
    const answers = [...told].map(([waiting, done]) => {
      const isPart = done.length < waiting.ids.length;
      if (isPart) this.#release(waiting);
      if (waiting.party !== undefined) this.#parties.delete(waiting.party);
      return this.#answer(waiting.to, outcome, isPart ? done : undefined);
    });
    return [...answers, ...over];
  }

  /** It is answered, though not all that it brought is settled. */
  #release(waiting: Waiting<W>): void {
    for (const id of waiting.ids) {
      const held = this.#held.get(id);
      if (held) held.waiting = held.waiting.filter((other) => other !== waiting);
    }
  }

  #answer(to: W, outcome: Outcome, of?: readonly string[]): GatheringStep<W> {
    this.#waiting.delete(to);
    return { kind: "answer", to, outcome, ...(of && { of }) };
  }

  #group(terms: Terms): Group<W> {
    const key = termsKey(terms);
    let group = this.#groups.get(key);
    if (!group) {
      const sets = { held: new Set<Held<W>>(), unsent: new Set<Held<W>>(), brought: new Map<string, number>() };
      const none = { growing: undefined, patience: undefined, due: undefined };
      this.#groups.set(key, group = { key, terms, ...sets, ...none, own: 0, sent: false, retry: 0, refusals: 0 });
    }
    return group;
  }

  /** Adds a party to a batch of our own that is not under way yet. */
  #grow(group: Group<W>, { terms, count, body }: Entry<W>): Held<W> {
    group.own += count;
    const { growing } = group;
    if (growing && growing.batch.count + count <= terms.nprocs && growing.batch.withdrawn === undefined) {
      growing.batch.count += count;
      if (body) growing.batch.bodies.push(body);
      return growing;
    }
    const { rank, instance } = this.#options;
    // From rank 0 to itself nothing is lost or doubled.
    const open = rank === 0 ? [] : [...this.#open];
    const batch = { rank, instance, number: ++this.#number, open, count, bodies: body ? [body] : [] };
    this.#open.add(batch.number);
    return group.growing = this.#hold(group, batch);
  }

  #hold(group: Group<W>, batch: Batch): Held<W> {
    const held: Held<W> = { id: batchId(batch), batch, group, waiting: [] };
    this.#held.set(held.id, held);
    group.held.add(held);
    group.unsent.add(held);
    return held;
  }

  #drop(held: Held<W>): void {
    const { id, batch, group } = held;
    this.#held.delete(id);
    if (batch.rank === this.#options.rank && batch.instance === this.#options.instance) this.#open.delete(batch.number);
    group.held.delete(held);
    group.unsent.delete(held);
    if (group.growing === held) group.growing = undefined;
    if (group.held.size === 0) this.#groups.delete(group.key);
  }

  #withdraw(held: Held<W>, why: string, now: number): GatheringStep<W>[] {
    if (held.batch.withdrawn !== undefined || !this.#held.has(held.id)) return [];
    held.batch.withdrawn = why;
    held.group.unsent.add(held);
    return this.#flushIn(held.group, 0, now);
  }

  #again(group: Group<W>, ids: readonly string[]): void {
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held) group.unsent.add(held);
    }
  }

  /**
   * When to pass on what is there: at rank 0 at once; elsewhere in this turn, the first time that all who may be expected
   * are there; else after a short wait for more.
   */
  #schedule(group: Group<W>, now: number): GatheringStep<W>[] {
    if (this.#options.rank === 0) return this.flush(group.key, now);
    if (group.sent) return this.#flushIn(group, GATHER, now);
    if (this.#experience.isWhole(group.terms, group)) return this.#flushIn(group, 0, now);
    return this.#flushIn(group, this.#experience.isSure(group.terms) ? EXPECT : GATHER, now);
  }

  #flushIn(group: Group<W>, ms: number, now: number): GatheringStep<W>[] {
    if (this.#options.rank === 0) return this.flush(group.key, now);
    if (group.unsent.size === 0 || (group.due !== undefined && group.due <= now + ms)) return [];
    group.due = now + ms;
    return [{ kind: "flush", key: group.key, ms }];
  }

  #patience(group: Group<W>, whole: number, left: number, now: number): GatheringStep<W>[] {
    if (group.patience && group.patience.deadline <= now + left) return [];
    group.patience = { whole, deadline: now + left };
    return this.#options.rank === 0 ? [] : [{ kind: "expire", key: group.key, ms: left + LATE }];
  }

  #text({ name }: Terms, why: string): string {
    return `${this.#options.label} ${name}: ${why}`;
  }
}

/** What fits in one parcel each. */
function* parts<W>(all: Iterable<Held<W>>): Generator<Held<W>[]> {
  let part: Held<W>[] = [];
  let size = 0;
  for (const held of all) {
    const bytes = held.batch.bodies.reduce((sum, { length }) => sum + length, 0);
    if (part.length > 0 && size + bytes > PARCEL_SIZE) {
      yield part;
      part = [];
      size = 0;
    }
    part.push(held);
    size += bytes;
  }
  yield part;
}
