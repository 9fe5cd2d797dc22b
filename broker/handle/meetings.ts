/**
 * The meetings of a session as rank 0 counts them (see rendezvous.ts). Pure: it is told the time and who is online.
 *
 * Invariants: a batch is counted in at most one meeting. A settled one is remembered with its outcome until its rank has
 * said that it knows, and one that comes later still is recognised by its number: it is never taken for a new one.
 */

import { type Errno, Idset } from "../message/mod.ts";
import {
  type Batch,
  batchId,
  difference,
  failed,
  type Outcome,
  type Parcel,
  type Patience,
  rankWords,
  scopedName,
  type Terms,
  termsKey,
  whoEntered,
} from "./rendezvous.ts";

/** A rank that was online may be away this long, ms, on its way to another parent. */
const ABSENCE = 2000;
/**
 * Those who were on their way when a meeting failed arrive within this time, ms: at once, or, where a rank that is a
 * declared member was cut off, before it would have to end.
 */
const STRAGGLE = 500, STRAGGLE_OF_MEMBERS = 60_000;

/** A meeting until it is settled. */
export class Meeting {
  readonly terms: Terms;
  readonly members: Idset | undefined;
  readonly batches: Batch[] = [];
  count = 0;
  patience: { whole: number; deadline: number } | undefined;

  constructor(terms: Terms) {
    this.terms = terms;
    this.members = terms.ranks === undefined ? undefined : Idset.parse(terms.ranks);
  }

  /** What the parties brought, by rank, then in the order they came there. */
  get bodies(): Uint8Array[] {
    return [...this.batches].sort((a, b) => a.rank - b.rank || a.number - b.number).flatMap(({ bodies }) => bodies);
  }
}

/**
 * What to do next: tell those who wait for these batches, do what a meeting is for and `finish` it, look again (`expire`)
 * at a time of the clock.
 */
export type MeetingStep =
  | { kind: "settle"; ids: readonly string[]; outcome: Outcome }
  | { kind: "met"; meeting: Meeting }
  | { kind: "wake"; at: number };

/** What is known of the batches of one life of one rank. */
interface Origin {
  newest: number;
  /** Numbers below `newest` that were not settled when it was made. */
  open: ReadonlySet<number>;
  readonly finished: Map<number, Outcome>;
}

/** A meeting that failed before all had come: the others are told the same when they come. */
interface Failure {
  readonly meeting: Meeting;
  readonly outcome: Outcome;
  readonly until: number;
  /** Parties that have not come. */
  missing: number;
}

export class Meetings {
  readonly #label: string;
  /** Meetings that wait for more parties, by scoped name. */
  readonly #open = new Map<string, Meeting>();
  /** The meeting that each batch is counted in, until it is settled. */
  readonly #counted = new Map<string, Meeting>();
  readonly #origins = new Map<string, Origin>();
  /** By scoped name. */
  readonly #failures = new Map<string, Failure>();
  /** Ranks that were online and are not, since when. */
  readonly #absent = new Map<number, number>();
  #online = new Idset();

  /** `label` says what is met for in texts: "barrier". */
  constructor(label: string) {
    this.#label = label;
  }

  /** Meetings that wait for more parties. */
  get size(): number {
    return this.#open.size;
  }

  /** The meeting of this name that waits for more parties. */
  open(terms: Pick<Terms, "scope" | "name">): Meeting | undefined {
    return this.#open.get(scopedName(terms));
  }

  /** Outcomes that are kept because their rank may not know them. */
  get remembered(): number {
    return [...this.#origins.values()].reduce((sum, { finished }) => sum + finished.size, 0);
  }

  /** Counts what is new in a parcel. */
  receive({ terms, patience, batches }: Parcel, now: number): MeetingStep[] {
    return batches.flatMap((batch) => this.#take(terms, patience, batch, now));
  }

  /** The meeting has done what it was for. */
  finish(meeting: Meeting, outcome: Outcome): MeetingStep[] {
    const ids = meeting.batches.map((batch) => {
      const id = batchId(batch);
      this.#counted.delete(id);
      this.#remember(batch, outcome);
      return id;
    });
    return [{ kind: "settle", ids, outcome }];
  }

  /** These ranks are online. */
  present(online: Idset, now: number): MeetingStep[] {
    for (const rank of this.#online.difference(online)) this.#absent.set(rank, now);
    for (const rank of online) this.#absent.delete(rank);
    this.#online = online;
    return this.#absent.size > 0 && this.#open.size > 0 ? [{ kind: "wake", at: now + ABSENCE }] : [];
  }

  /** The process of a rank has failed: what waits for it fails, also where it has been started anew already. */
  failed(rank: number, now: number): MeetingStep[] {
    const gone = new Idset([rank]);
    return [...this.#open.values()].filter((meeting) => involved(meeting).has(rank)).flatMap((meeting) =>
      this.#gone(meeting, gone, now)
    );
  }

  /** Fails what has waited long enough, and what waits for a rank that is gone. */
  expire(now: number): MeetingStep[] {
    for (const [name, { until }] of this.#failures) if (until <= now) this.#failures.delete(name);
    return [...this.#open.values()].flatMap((meeting) => this.#look(meeting, now));
  }

  #take(terms: Terms, patience: Patience | undefined, batch: Batch, now: number): MeetingStep[] {
    const id = batchId(batch);
    const counted = this.#counted.get(id);
    if (counted) return batch.withdrawn === undefined ? [] : this.#withdraw(counted, batch.withdrawn, now);
    const settled = this.#settled(batch);
    if (settled) return [{ kind: "settle", ids: [id], outcome: settled }];
    const meeting = this.#late(terms, batch, now) ?? this.#join(terms, batch);
    if (meeting instanceof Meeting) return this.#joined(meeting, batch, patience, now);
    this.#remember(batch, meeting);
    return [{ kind: "settle", ids: [id], outcome: meeting }];
  }

  /** The outcome of a meeting that failed while this batch was on its way to it. */
  #late(terms: Terms, batch: Batch, now: number): Outcome | undefined {
    const name = scopedName(terms);
    const failure = this.#failures.get(name);
    if (!failure || this.#open.has(name)) return undefined;
    if (failure.until > now && isLate(batch, failure.meeting, terms) && (failure.missing -= batch.count) >= 0) {
      return failure.outcome;
    }
    // Someone who knows of the failure begins anew.
    this.#failures.delete(name);
    return undefined;
  }

  /** Adds a batch to the meeting of its name, or says why not. */
  #join(terms: Terms, batch: Batch): Meeting | Outcome {
    const name = scopedName(terms);
    let meeting = this.#open.get(name);
    if (meeting && meeting.terms !== terms && termsKey(meeting.terms) !== termsKey(terms)) {
      return failed("EINVAL", this.#text(terms, difference(meeting.terms, terms)));
    }
    if (!meeting) this.#open.set(name, meeting = new Meeting(terms));
    meeting.batches.push(batch);
    meeting.count += batch.count;
    this.#counted.set(batchId(batch), meeting);
    return meeting;
  }

  #joined(meeting: Meeting, batch: Batch, patience: Patience | undefined, now: number): MeetingStep[] {
    const { terms: { nprocs }, count } = meeting;
    if (batch.withdrawn !== undefined) return this.#withdraw(meeting, batch.withdrawn, now);
    if (count > nprocs) {
      return this.#abort(meeting, "EOVERFLOW", `${count} entered, and ${nprocs} were to meet`, now);
    }
    if (count === nprocs) {
      this.#open.delete(scopedName(meeting.terms));
      return [{ kind: "met", meeting }];
    }
    if (patience && !(meeting.patience && meeting.patience.deadline <= now + patience.left)) {
      meeting.patience = { whole: patience.whole, deadline: now + patience.left };
    }
    return this.#look(meeting, now);
  }

  /** Fails an open meeting if it is time, else says when to look again. */
  #look(meeting: Meeting, now: number): MeetingStep[] {
    const { terms: { nprocs }, count, batches, members, patience } = meeting;
    if (!patience && this.#absent.size === 0) return [];
    const away = this.#away(meeting);
    const gone = new Idset(away.filter(([, since]) => since + ABSENCE <= now).map(([rank]) => rank));
    if (gone.size > 0) return this.#gone(meeting, gone, now);
    if (patience && patience.deadline <= now) {
      const missing = members?.difference(new Idset(batches.map(({ rank }) => rank)));
      const rest = missing && missing.size > 0 ? `; missing: ${rankWords(missing)}` : "";
      const who = `${count} of ${nprocs} entered (${whoEntered(batches)}${rest})`;
      return this.#abort(meeting, "ETIMEDOUT", `${who} within ${patience.whole / 1000} s`, now);
    }
    const times = [...away.map(([, since]) => since + ABSENCE), ...(patience ? [patience.deadline] : [])];
    return times.length > 0 ? [{ kind: "wake", at: Math.min(...times) }] : [];
  }

  /** The ranks of a meeting that are away, and since when. */
  #away(meeting: Meeting): [number, number][] {
    if (this.#absent.size === 0) return [];
    const ranks = involved(meeting);
    return [...this.#absent].filter(([rank]) => ranks.has(rank));
  }

  #gone(meeting: Meeting, gone: Idset, now: number): MeetingStep[] {
    return this.#abort(meeting, "ECONNABORTED", `${rankWords(gone)} ${gone.size === 1 ? "is" : "are"} gone`, now);
  }

  #withdraw(meeting: Meeting, why: string, now: number): MeetingStep[] {
    // One that is complete already goes on without the party that left.
    return this.#open.get(scopedName(meeting.terms)) === meeting ? this.#abort(meeting, "ECONNABORTED", why, now) : [];
  }

  #abort(meeting: Meeting, code: Errno, why: string, now: number): MeetingStep[] {
    const { terms, count } = meeting;
    const name = scopedName(terms);
    const outcome = failed(code, this.#text(terms, why));
    const until = now + (meeting.members ? STRAGGLE_OF_MEMBERS : STRAGGLE);
    this.#open.delete(name);
    const steps = this.finish(meeting, outcome);
    if (count >= terms.nprocs) return steps;
    this.#failures.set(name, { meeting, outcome, until, missing: terms.nprocs - count });
    return [...steps, { kind: "wake", at: until }];
  }

  #text({ name }: Terms, why: string): string {
    return `${this.#label} ${name}: ${why}`;
  }

  /** What comes from rank 0 itself comes once. */
  #remember(batch: Batch, outcome: Outcome): void {
    if (batch.rank !== 0) this.#origin(batch).finished.set(batch.number, outcome);
  }

  /** The outcome of a batch that was settled before. */
  #settled(batch: Batch): Outcome | undefined {
    if (batch.rank === 0) return undefined;
    const origin = this.#origin(batch);
    const { number, open } = batch;
    const finished = origin.finished.get(number);
    if (finished) return finished;
    if (number < origin.newest && !origin.open.has(number)) return failed("ECANCELED", "settled long ago");
    if (number <= origin.newest) return undefined;
    origin.newest = number;
    origin.open = new Set(open);
    for (const done of [...origin.finished.keys()]) if (!origin.open.has(done)) origin.finished.delete(done);
    return undefined;
  }

  #origin({ rank, instance }: Batch): Origin {
    const key = `${rank}/${instance}`;
    let origin = this.#origins.get(key);
    if (!origin) this.#origins.set(key, origin = { newest: 0, open: new Set(), finished: new Map() });
    return origin;
  }
}

/** The ranks that a meeting waits for, or that wait. */
function involved({ members, batches }: Meeting): Idset {
  return members ?? new Idset(batches.map(({ rank }) => rank));
}

/** Whether a batch was made without knowing that a meeting with these terms had failed. */
function isLate(batch: Batch, meeting: Meeting, terms: Terms): boolean {
  if (termsKey(meeting.terms) !== termsKey(terms)) return false;
  const own = meeting.batches.filter(({ rank, instance }) => rank === batch.rank && instance === batch.instance);
  return own.every(({ number }) => batch.number < number || batch.open.includes(number));
}
