/**
 * How one rank finds the others. Who started it and how is another matter (method.ts, launch.ts); here is only how cards
 * travel.
 */

import type { Card } from "../message/mod.ts";
import type { Clock, KeyPair, Mechanism, Random, Security, Transport } from "../ports/mod.ts";
import { fdStream, LineStream, PMI_LIMITS, PmiClient, type PmiLines } from "../pmi/mod.ts";
import type { BootstrapConfig, Endpoints } from "./bootstrap_config.ts";
import { type Admit, type CardSeal, exchange, exchangeAnew, type Neighbours, type Shape } from "./exchange.ts";
import type { PmiTrace } from "./pmi_trace.ts";
import { nodeCount } from "./process_mapping.ts";
import { meet } from "./rendezvous.ts";
import { meetingPorts, type SlurmStep } from "./slurm.ts";

export interface WireUp {
  /** What tells this session from all others, alike on every host. */
  readonly session: string;
  /** Ranks may be on other hosts, so that sockets of this one do not reach them. */
  readonly isSpread: boolean;
  /** How many sessions this one is in, when a launcher has told. */
  readonly level?: number;
  /** Ranks that have not come yet, as far as this one knows. */
  missing?(): number[] | undefined;
  /** The hosts of all ranks, where they are known before anybody has come. */
  readonly hosts?: readonly string[];
  /** Where this rank listens and is reached, when that is written down. */
  readonly at?: { readonly listen: Endpoints; readonly reached: Endpoints };
  /** Gives this rank's card and gets those of its neighbours. `admit` is told who may join its links. Once. */
  meet(card: Card, admit: Admit): Promise<Neighbours>;
}

export interface WireUpOptions {
  readonly size: number;
  readonly shape: Shape;
  /** Keeps what is said to a server that is not ours, or far away. */
  readonly trace: PmiTrace;
  readonly security: Security;
  /** The user's key, with which cards are sealed that go through the hands of a launcher; undefined when there is none. */
  userKey(): Promise<SessionKey | undefined>;
}

/** What a wire-up needs of the key that all ranks of a session have. `UserKey` is one. */
export interface SessionKey extends CardSeal {
  /** Keys for links, which every rank can tell; of no rank, those of the meeting place, when it is -1. */
  linkKeys(identity: { session: string; size: number; rank: number }, mechanism?: Mechanism): KeyPair;
}

/** A session of one. */
export const ALONE: WireUp = {
  session: "",
  isSpread: false,
  meet: (card) => Promise.resolve({ parent: null, right: null, keys: new Map(), hosts: [card.hostname] }),
};

/** Over PMI that `flux start` serves. With a `session` there are ranks on other hosts. */
export function servedWireUp(lines: PmiLines, { size, shape }: WireUpOptions, session?: string): WireUp {
  const isSpread = session !== undefined;
  return {
    session: session ?? "",
    isSpread,
    async meet(card, admit) {
      const pmi = new PmiClient(lines);
      await pmi.init();
      return await exchange(pmi, card, { size, shape, isSpread, admit });
    },
  };
}

/** The same for a rank that comes back to a session; `announce` tells the others of its card. */
export function returningWireUp(
  lines: PmiLines,
  { size, shape }: WireUpOptions,
  session: string | undefined,
  announce: (card: Card) => void,
): WireUp {
  const isSpread = session !== undefined;
  return {
    session: session ?? "",
    isSpread,
    async meet(card, admit) {
      announce(card);
      const pmi = new PmiClient(lines);
      await pmi.init();
      return await exchangeAnew(pmi, card, { size, shape, isSpread, admit });
    },
  };
}

/** Over PMI that another launcher serves at an inherited file descriptor. Throws EBADF, and what `PmiClient` throws. */
export async function pmiWireUp(
  fd: number,
  { size, shape, trace, security, userKey }: WireUpOptions,
): Promise<WireUp> {
  const pmi = new PmiClient(trace.of(new LineStream(fdStream(fd), PMI_LIMITS.line)), "foreign");
  await pmi.init();
  const nodes = await nodeCount(pmi, size);
  const level = await pmi.find("flux.instance-level");
  return {
    ...(level !== undefined && { level: Number(level) + 1 }),
    session: pmi.kvsname,
    isSpread: nodes !== 1,
    async meet(card, admit) {
      const seal = security === "none" ? undefined : await userKey();
      const neighbours = await exchange(pmi, card, { size, shape, seal, isSpread: nodes !== 1, admit });
      await pmi.finalize();
      return neighbours;
    },
  };
}

export interface MeetingPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
}

/** Over PMI that rank 0 serves on the first node of a step of Slurm, found at `place`. Throws EADDRINUSE, and what `userKey` throws. */
export async function slurmWireUp(
  step: SlurmStep,
  place: string,
  hostname: string,
  { size, shape, trace, security, userKey }: WireUpOptions,
  ports: MeetingPorts,
  log: (text: string) => void,
): Promise<WireUp> {
  const { rank, session, nodes } = step;
  const key = security === "none" ? undefined : await userKey();
  const meeting = meet({
    ...ports,
    rank,
    size,
    session,
    host: place,
    ports: meetingPorts(session),
    hostname,
    keys: key?.linkKeys({ session, size, rank: -1 }),
    log,
  });
  const isSpread = nodes.length > 1;
  return {
    session,
    isSpread,
    missing: () => meeting.missing(),
    // With one rank a node there is but one way to deal them out.
    ...(nodes.length === size && { hosts: nodes }),
    async meet(card, admit) {
      const pmi = new PmiClient(trace.of(meeting.lines));
      await pmi.init();
      const neighbours = await exchange(pmi, card, { size, shape, isSpread, admit });
      await pmi.finalize();
      meeting.close();
      return neighbours;
    },
  };
}

/** By what is written down: nothing is exchanged, so brokers may start in any order, and again. */
export function configuredWireUp(
  { brokers, session }: BootstrapConfig,
  rank: number,
  { size, shape, security, userKey }: WireUpOptions,
): WireUp {
  const card = async (other: number): Promise<Card> => {
    const { host, reached } = brokers[other]!;
    const common = { rank: other, hostname: host, ...reached };
    if (security === "none") return common;
    const { publicKey } = (await userKey())!.linkKeys({ session, size, rank: other }, security);
    return { ...common, publicKey, isPlain: security === "plain" };
  };
  const { listen, reached } = brokers[rank]!;
  return {
    session,
    isSpread: size > 1,
    at: { listen, reached },
    async meet(_own, admit) {
      const parent = shape.parent(rank);
      const right = (rank + size - 1) % size, left = (rank + 1) % size;
      const below = await Promise.all([left, ...shape.children(rank)].filter((one) => one !== rank).map(card));
      const keys = new Map(below.flatMap(({ publicKey, rank }) => publicKey === undefined ? [] : [[publicKey, rank]]));
      admit(keys);
      return {
        parent: parent === null ? null : await card(parent),
        right: right === rank ? null : await card(right),
        keys,
        hosts: brokers.map(({ host }) => host),
      };
    },
  };
}
