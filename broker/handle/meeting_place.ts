/**
 * Where parties meet, on one rank: the shell of `Gathering` and, at rank 0, of `Meetings`, which keeps their timers and
 * sends their parcels. A service of meetings (barrier, fence) has one of these on every rank.
 */

import { FluxError, Idset, type JsonObject, NODEID_UPSTREAM, Role } from "../message/mod.ts";
import type { Clock, Random, Timer } from "../ports/mod.ts";
import { Gathering, type GatheringStep } from "./gathering.ts";
import type { Handle } from "./handle.ts";
import { type Meeting, Meetings, type MeetingStep } from "./meetings.ts";
import { type Outcome, outcomeOf, type Terms } from "./rendezvous.ts";
import { decodeAnswer, decodeParcel, encodeAnswer, encodeParcel } from "./rendezvous_wire.ts";
import type { Methods, Request } from "./request.ts";

/** The group of all ranks that are ready to run, read at rank 0, and what tells every rank that one has failed. */
const ONLINE = "broker.online", STATE_EVENT = "live.cstate";
/** Failed, in those events. */
const FAIL = 2;
/** Rank 0 fails the meetings that it knows of; what it has not heard of after this time, ms, is failed by who waits. */
const UNHEARD = 2000;

export interface MeetingPlaceOptions {
  /** What is met for, in texts: "barrier". */
  readonly label: string;
  /** The method between ranks, served by every one of them. */
  readonly topic: string;
  readonly handle: Pick<Handle, "rpcRaw" | "stream" | "listen">;
  readonly clock: Clock;
  readonly random: Random;
  readonly rank: number;
  readonly size: number;
  /** Fan-out of the tree; 0 is flat. */
  readonly arity: number;
  /**
   * What is done at rank 0 when all have met; what it resolves to is what each party is answered, and what it throws fails
   * them all. Nothing unless given.
   */
  met?(meeting: Meeting): Promise<JsonObject>;
  /** At rank 0: parties have come to a meeting that waits for more. */
  came?(meeting: Meeting): void;
}

/** A party that enters. */
export interface Party {
  readonly terms: Terms;
  /** 1 unless given. */
  readonly count?: number;
  readonly body?: Uint8Array;
  /** Milliseconds from the first party until ETIMEDOUT, which says who had entered; the shortest of all counts. */
  readonly timeout?: number | undefined;
}

/** Whoever waits. Only its identity counts for the cores. */
interface Waiter {
  answer(outcome: Outcome, of: readonly string[] | undefined): void;
}

export class MeetingPlace {
  readonly #options: MeetingPlaceOptions;
  readonly #gathering: Gathering<Waiter>;
  readonly #meetings: Meetings | undefined;
  #wake: { at: number; timer: Timer } | undefined;
  readonly #expiries = new Map<string, Timer>();
  #stopped = false;

  constructor(options: MeetingPlaceOptions) {
    const { label, rank, size, arity, random } = options;
    this.#options = options;
    this.#gathering = new Gathering({
      label,
      rank,
      size,
      arity,
      instance: random.uuid(),
    });
    if (rank === 0) this.#meetings = new Meetings(label);
    void this.#follow(this.#meetings);
  }

  /** What the service has to serve besides its own methods. */
  get methods(): Methods {
    return { [this.#options.topic]: (request) => this.#take(request) };
  }

  /** Parties and parcels that wait here, and meetings that wait for more parties (at rank 0). */
  get waiting(): { parties: number; meetings: number } {
    return { parties: this.#gathering.size, meetings: this.#meetings?.size ?? 0 };
  }

  /** The meeting of this name that waits for more parties, as rank 0 knows it. */
  open(terms: Pick<Terms, "scope" | "name">): Meeting | undefined {
    return this.#meetings?.open(terms);
  }

  /**
   * Enters for the sender of a request, or for a module by a name of its own. Resolves, when all have met, to what `met`
   * said. Throws EINVAL for terms unlike those of who came first; EEXIST when the sender is in already; ECONNABORTED when
   * another party or a rank is gone; ETIMEDOUT; EOVERFLOW when more entered than were to meet; and what `met` throws. A
   * sender that disconnects or cancels its request (`signal`) fails the meeting.
   */
  enter(
    { sender, signal }: Pick<Request, "sender" | "signal">,
    { terms, count = 1, body, timeout }: Party,
  ): Promise<JsonObject | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject | undefined>();
    const waiter: Waiter = {
      answer: ({ errnum, text, value }) => errnum === 0 ? resolve(value) : reject(new FluxError(errnum, text)),
    };
    signal.addEventListener("abort", () => this.#run(this.#gathering.leave(waiter, this.#now)), { once: true });
    const entry = { terms, waiter, client: sender, count, timeout, ...(body && { body }) };
    this.#run(this.#gathering.enter(entry, this.#now));
    return promise;
  }

  /** Tells the others that the parties of this rank will not wait. */
  stop(): void {
    this.#run(this.#gathering.leaveAll(this.#now));
    this.#stopped = true;
    this.#wake?.timer.cancel();
    for (const timer of this.#expiries.values()) timer.cancel();
  }

  get #now(): number {
    return this.#options.clock.now();
  }

  /** A child's parcel; it is answered when something in it is settled. */
  #take({ message }: Request): Promise<Uint8Array> {
    const parcel = decodeParcel(message.payload);
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    const waiter: Waiter = {
      answer: (outcome, of) => resolve(encodeAnswer({ outcome, ...(of && { of }) })),
    };
    this.#run(this.#gathering.take(parcel, waiter, message.routes.at(-1) ?? "", this.#now));
    return promise;
  }

  #run(steps: readonly GatheringStep<Waiter>[]): void {
    const { clock } = this.#options;
    for (const step of steps) {
      if (step.kind === "answer") step.to.answer(step.outcome, step.of);
      else if (this.#stopped) continue;
      else if (step.kind === "forward") this.#forward(step);
      else if (step.kind === "expire") this.#expireIn(step.key, step.ms);
      else if (step.ms === 0) queueMicrotask(() => this.#run(this.#gathering.flush(step.key, this.#now)));
      else clock.after(step.ms, () => this.#run(this.#gathering.flush(step.key, this.#now)));
    }
  }

  #expireIn(key: string, ms: number | undefined): void {
    this.#expiries.get(key)?.cancel();
    this.#expiries.delete(key);
    if (ms === undefined) return;
    const expire = () => {
      this.#expiries.delete(key);
      this.#run(this.#gathering.expire(key, this.#now));
    };
    this.#expiries.set(key, this.#options.clock.after(ms, expire));
  }

  #forward({ key, ids, parcel }: GatheringStep<Waiter> & { kind: "forward" }): void {
    if (!this.#meetings) return void this.#send(key, ids, encodeParcel(parcel));
    this.#conduct(this.#meetings.receive(parcel, this.#now));
    const meeting = this.#meetings.open(parcel.terms);
    if (meeting) this.#options.came?.(meeting);
  }

  async #send(key: string, ids: readonly string[], parcel: Uint8Array): Promise<void> {
    const { handle, topic } = this.#options;
    let steps: GatheringStep<Waiter>[];
    try {
      const { outcome, of } = decodeAnswer(await handle.rpcRaw(topic, parcel, { rank: NODEID_UPSTREAM }));
      steps = this.#gathering.answered(key, ids, outcome, this.#now, of);
    } catch (error) {
      steps = this.#gathering.undelivered(key, ids, outcomeOf(error), this.#now);
    }
    this.#run(steps);
  }

  #conduct(steps: readonly MeetingStep[]): void {
    for (const step of steps) {
      if (step.kind === "wake") this.#wakeAt(step.at);
      else if (step.kind === "met") this.#hold(step.meeting);
      else this.#run(this.#gathering.settle(step.ids, step.outcome));
    }
  }

  /** Does what a meeting is for. */
  #hold(meeting: Meeting): void {
    const { met } = this.#options;
    if (!met) return this.#finish(meeting, { errnum: 0 });
    met(meeting).then(
      (value) => this.#finish(meeting, { errnum: 0, value }),
      (error) => this.#finish(meeting, outcomeOf(error)),
    );
  }

  #finish(meeting: Meeting, outcome: Outcome): void {
    this.#conduct(this.#meetings!.finish(meeting, outcome));
  }

  #wakeAt(at: number): void {
    if (this.#stopped || (this.#wake && this.#wake.at <= at)) return;
    this.#wake?.timer.cancel();
    const timer = this.#options.clock.after(Math.max(0, at - this.#now), () => {
      this.#wake = undefined;
      this.#conduct(this.#meetings!.expire(this.#now));
    });
    this.#wake = { at, timer };
  }

  #failed(rank: number): void {
    if (this.#meetings) return this.#conduct(this.#meetings.failed(rank, this.#now));
    const ids = this.#gathering.waitingFor(rank);
    if (ids.length === 0) return;
    this.#options.clock.after(UNHEARD, () => this.#run(this.#gathering.failed(rank, ids, this.#now)));
  }

  /** Hears which ranks have failed, and at rank 0 who is online, until the handle closes. */
  async #follow(meetings: Meetings | undefined): Promise<void> {
    try {
      await this.#options.handle.listen(STATE_EVENT, ({ message, payload: { rank, nstate } }) => {
        if (message.rolemask & Role.owner && nstate === FAIL) this.#failed(Number(rank));
      });
      if (!meetings) return;
      for await (
        const { members } of this.#options.handle.stream<{ members: string }>("groups.get", { name: ONLINE })
      ) {
        this.#conduct(meetings.present(Idset.parse(members), this.#now));
      }
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }
}
