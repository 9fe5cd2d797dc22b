/** Ranks that meet, without network or clock: what is under way lies in a bag, and chance picks what happens next. */

import { Gathering, type GatheringStep } from "../../../broker/handle/gathering.ts";
import { type Meeting, Meetings, type MeetingStep } from "../../../broker/handle/meetings.ts";
import { failed, type Outcome, type Terms } from "../../../broker/handle/rendezvous.ts";
import { decodeAnswer, decodeParcel, encodeAnswer, encodeParcel } from "../../../broker/handle/rendezvous_wire.ts";
import type { SeededRandom } from "../../sim/seeded_random.ts";

interface Waiter {
  answer(outcome: Outcome, of: readonly string[] | undefined): void;
}

export interface Faults {
  /** Chances, of 1, that a parcel or an answer is lost, that a parcel comes again later, that a rank changes its parent. */
  readonly loss: number;
  readonly ghost: number;
  readonly move: number;
}

const LOST = failed("EHOSTUNREACH", "overlay disconnect");

export class RendezvousWorld {
  readonly size: number;
  /** Meetings that took place, in order. */
  readonly met: { meeting: Meeting; bodies: string[] }[] = [];
  readonly meetings = new Meetings("test");
  parcels = 0;
  readonly #random: SeededRandom;
  readonly #faults: Faults;
  readonly #ranks: Gathering<Waiter>[] = [];
  readonly #parents: number[] = [];
  readonly #bag: (() => void)[] = [];
  #now = 0;

  constructor(size: number, random: SeededRandom, faults: Faults = { loss: 0, ghost: 0, move: 0 }) {
    this.size = size;
    this.#random = random;
    this.#faults = faults;
    for (let rank = 0; rank < size; rank++) {
      this.#ranks.push(new Gathering({ label: "test", rank, size, arity: 2, instance: `i${rank}` }));
      this.#parents.push(Math.floor((rank - 1) / 2));
    }
  }

  /** Whoever still waits anywhere. */
  get waiting(): number {
    return this.#ranks.reduce((sum, { size }) => sum + size, 0);
  }

  /** A client of `rank` enters; resolved by `run`. */
  enter(rank: number, client: string, terms: Terms, told: (outcome: Outcome) => void, body = client): Waiter {
    const waiter = { answer: told };
    const entry = { terms, waiter, client, count: 1, body: new TextEncoder().encode(body) };
    this.#do(rank, this.#ranks[rank]!.enter(entry, this.#now));
    return waiter;
  }

  /** Something a client does at some time. */
  later(action: () => void): void {
    this.#bag.push(action);
  }

  leave(rank: number, waiter: Waiter): void {
    this.#do(rank, this.#ranks[rank]!.leave(waiter, this.#now));
  }

  /** Lets everything happen, in an order that chance decides. */
  run(): void {
    for (let steps = 0; this.#bag.length > 0; steps++) {
      if (steps > 1_000_000) throw new Error("it goes on for ever");
      this.#now += 0.1;
      if (this.#random.float() < this.#faults.move) this.#move();
      const [action] = this.#bag.splice(this.#random.below(this.#bag.length), 1);
      action!();
    }
  }

  /** A rank gets another parent: one with a lower number, so that there is no circle. */
  #move(): void {
    const rank = 1 + this.#random.below(this.size - 1);
    this.#parents[rank] = this.#random.below(rank);
  }

  #do(rank: number, steps: readonly GatheringStep<Waiter>[]): void {
    for (const step of steps) {
      if (step.kind === "answer") step.to.answer(step.outcome, step.of);
      else if (step.kind === "forward" && rank === 0) this.#conduct(this.meetings.receive(step.parcel, this.#now));
      else if (step.kind === "forward") this.#send(rank, step);
      else if (step.kind === "flush") {
        this.#bag.push(() => this.#do(rank, this.#ranks[rank]!.flush(step.key, this.#now)));
      }
    }
  }

  #send(rank: number, { key, ids, parcel }: GatheringStep<Waiter> & { kind: "forward" }): void {
    const bytes = encodeParcel(parcel);
    const sender = this.#ranks[rank]!;
    const lose = () => this.#do(rank, sender.undelivered(key, ids, LOST, this.#now));
    const isLost = () => this.#random.float() < this.#faults.loss;
    this.parcels++;
    const parent = this.#parents[rank]!;
    const deliver = (answer: Waiter["answer"]) => {
      this.#do(parent, this.#ranks[parent]!.take(decodeParcel(bytes), { answer }, `${rank}`, this.#now));
    };
    if (this.#random.float() < this.#faults.ghost) this.#bag.push(() => deliver(() => {}));
    if (isLost()) return void this.#bag.push(lose);
    this.#bag.push(() =>
      deliver((outcome, of) => {
        if (isLost()) return void this.#bag.push(lose);
        const answer = decodeAnswer(encodeAnswer({ outcome, ...(of && { of }) }));
        this.#bag.push(() => this.#do(rank, sender.answered(key, ids, answer.outcome, this.#now, answer.of)));
      })
    );
  }

  #conduct(steps: readonly MeetingStep[]): void {
    for (const step of steps) {
      if (step.kind === "settle") this.#do(0, this.#ranks[0]!.settle(step.ids, step.outcome));
      else if (step.kind === "met") this.#hold(step.meeting);
    }
  }

  /** What a meeting is for takes its time. */
  #hold(meeting: Meeting): void {
    const bodies = meeting.bodies.map((bytes) => new TextDecoder().decode(bytes));
    this.met.push({ meeting, bodies });
    const value = { meeting: this.met.length };
    this.#bag.push(() => this.#conduct(this.meetings.finish(meeting, { errnum: 0, value })));
  }
}
