/** Barriers and fences in a campaign: each ends, for all alike, and says who is missing. */

import { enterBarrier } from "../../modules/barrier/client.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { errname, type FluxError, Idset } from "../../broker/message/mod.ts";
import { sleep } from "../../broker/ports/mod.ts";
import { BROKEN_LINKS, Clients, isReady, Life, type Load, Requests, type World } from "./campaign_world.ts";

/** Steps between two meetings. */
const EVERY = 5;
/** Of so many meetings one is of all ranks; parties of the others at most. */
const LARGE = 20, MOST = 8;
/** Seconds that a meeting without a declared member set waits at most. */
const SHORTEST = 2, LONGEST = 20;
/** A party that is cut off is told by its own rank that time is up. */
const OWN_WORD = /rank 0 does not answer/;
/** A meeting may last until the last fault is repaired and the last silence noticed, ms. */
const MEETING_TIME = 150_000;

interface Meeting {
  readonly name: string;
  readonly members: Idset;
  /** Declared: the death of a member fails it. Otherwise time does. */
  readonly declared: boolean;
  /** Somebody who is expected does not come. */
  readonly short: boolean;
  readonly timeout: number;
}

/** What one party went through. */
interface Party {
  readonly life: Life;
  readonly failure: FluxError | undefined;
}

/** Enters a meeting of so many parties at a rank. */
type Enter = (meeting: Meeting, rank: number, options: { ranks?: string; timeout?: number }) => Promise<unknown>;

type Over = (meeting: Meeting, isMet: boolean) => void;

class Meetings {
  readonly clients: Clients;
  readonly #world: World;
  readonly #requests: Requests;
  readonly #label: string;
  readonly #enter: Enter;
  /** Hears of each meeting that is over for all who were in it. */
  readonly #over: Over;
  #steps = 0;

  constructor(world: World, label: string, make: (clients: Clients) => Enter, over: Over = () => {}) {
    this.#world = world;
    this.#label = label;
    this.clients = new Clients(world);
    this.#requests = new Requests(world);
    this.#enter = make(this.clients);
    this.#over = over;
  }

  step(): void {
    if (this.#steps++ % EVERY !== 0) return;
    const { session, random } = this.#world;
    const count = random.below(LARGE) === 0 ? session.size : 2 + random.below(MOST - 1);
    const ranks = count === session.size
      ? [...session.brokers.keys()].filter((rank) => isReady(session, rank))
      : Array.from({ length: count }, () => this.clients.pick());
    const declared = random.below(2) === 0;
    const meeting: Meeting = {
      name: `${this.#label}-${this.#steps}`,
      members: new Idset(ranks),
      declared,
      short: !declared && random.below(3) === 0,
      timeout: SHORTEST + random.below(LONGEST - SHORTEST),
    };
    void this.#hold(meeting);
  }

  finish(): void {
    this.#requests.finish();
  }

  /** All of them enter, not at the same time, and are told the same. */
  async #hold(meeting: Meeting): Promise<void> {
    const { session, random, broken } = this.#world;
    const { name, members, declared, short, timeout } = meeting;
    const entered = [...members].slice(short ? 1 : 0);
    const options = declared ? { ranks: `${members}` } : { timeout };
    const parties = (await Promise.all(entered.map(async (rank): Promise<Party | undefined> => {
      const life = new Life(session, rank);
      do await sleep(session.clock, random.float() * 200); while (life.goesOn && session.isStill(rank));
      if (!life.goesOn) return undefined;
      const kind = declared ? `of ranks ${members}` : `of ${members.size} within ${timeout} s`;
      const what = `${this.#label} ${name} ${kind} at rank ${rank}`;
      const allowed = [...BROKEN_LINKS, declared ? "ECONNABORTED" : "ETIMEDOUT", "ECONNABORTED"];
      const enter = () => this.#enter(meeting, rank, options);
      return { life, failure: await this.#requests.ask(what, rank, enter, { allowed, within: MEETING_TIME }) };
    }))).filter((party) => party !== undefined);
    const survivors = parties.filter(({ life }) => life.goesOn);
    const met = survivors.filter(({ failure }) => !failure);
    if (met.length > 0 && (short || parties.length < entered.length)) {
      broken.push(`${name} was met, though not all had entered`);
    }
    for (const { life, failure } of survivors) {
      if (!failure) continue;
      if (met.length > 0 && !OWN_WORD.test(failure.message)) {
        broken.push(`${name} was met at rank ${met[0]!.life.rank}, and at rank ${life.rank}: ${failure.message}`);
      }
      this.#checkText(meeting, new Idset(entered), failure);
    }
    if (survivors.length > 0) this.#over(meeting, met.length > 0);
  }

  /** A failure names members that are gone, or tells who had entered. */
  #checkText({ name, members }: Meeting, entered: Idset, failure: FluxError): void {
    const { broken } = this.#world;
    const { message } = failure;
    const code = errname(failure.errnum);
    if (code === "ECONNABORTED") {
      const gone = / ranks? ([\d,-]+) (?:is|are) gone$/.exec(message)?.[1];
      const client = / a client on rank (\d+) is gone$/.exec(message)?.[1];
      const named = gone ?? client;
      if (named === undefined || Idset.parse(named).difference(members).size > 0) {
        broken.push(`${name} of ranks ${members} failed, and nobody is named: ${message}`);
      }
    } else if (code === "ETIMEDOUT" && !OWN_WORD.test(message)) {
      const had = / entered \((?:no rank|ranks? ([\d,-]+))/.exec(message);
      if (!had || (had[1] && Idset.parse(had[1]).difference(entered).size > 0)) {
        broken.push(`${name} of ranks ${entered} does not tell who had entered: ${message}`);
      }
    }
  }
}

export function barriers(world: World): Load {
  const meetings = new Meetings(
    world,
    "barrier",
    (clients) => ({ name, members }, rank, options) => enterBarrier(clients.at(rank), name, members.size, options),
  );
  return {
    step: () => meetings.step(),
    finish() {
      meetings.finish();
      meetings.clients.close();
      return Promise.resolve();
    },
  };
}

/** Fences: what the parties bring takes effect as a whole when they meet, and not at all otherwise. */
export function fences(world: World): Load {
  const { session, random, broken, count } = world;
  /** Whether each fence was met, as far as that is known. */
  const outcomes: [Meeting, boolean][] = [];
  const meetings = new Meetings(
    world,
    "fence",
    (clients) => (meeting, rank, options) => {
      const { name, members } = meeting;
      const bring = new Kvs(clients.at(rank)).transaction().put(`campaign-${name}.r${rank}`, rank);
      return bring.fence(name, members.size, options).then(async () => {
        // Of a large fence some look: each would read all that the others brought.
        if (random.below(members.size) >= MOST) return;
        const other = [...members][random.below(members.size)]!;
        const value = await new Kvs(clients.at(rank)).get(`campaign-${name}.r${other}`);
        if (value !== other) broken.push(`${name}: rank ${rank} does not find what rank ${other} brought`);
      });
    },
    (meeting, isMet) => outcomes.push([meeting, isMet]),
  );
  return {
    step: () => meetings.step(),
    async finish() {
      meetings.finish();
      const kvs = new Kvs(meetings.clients.at(0));
      await session.settle(Promise.all(outcomes.map(async ([{ name, members }, isMet]) => {
        const exists = await kvs.exists(`campaign-${name}`);
        const size = exists ? (await kvs.dir(`campaign-${name}`)).size : 0;
        if (size !== (isMet ? members.size : 0) && !(size === members.size && !isMet)) {
          broken.push(`${name} of ${members.size}, ${isMet ? "met" : "not met"}, left ${size} entries`);
        }
      })));
      count("fences met", outcomes.filter(([, isMet]) => isMet).length);
      meetings.clients.close();
    },
  };
}
