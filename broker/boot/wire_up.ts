/**
 * How one rank finds the others. Who started it and how is another matter (method.ts, launch.ts); here is only how cards
 * travel.
 */

import type { Card } from "../message/mod.ts";
import { fdStream, LineStream, PMI_LIMITS, PmiClient, type PmiLines } from "../pmi/mod.ts";
import { type Admit, type CardSeal, exchange, exchangeAnew, type Neighbours, type Shape } from "./exchange.ts";
import { nodeCount } from "./process_mapping.ts";

export interface WireUp {
  /** What tells this session from all others, alike on every host. */
  readonly session: string;
  /** Ranks may be on other hosts, so that sockets of this one do not reach them. */
  readonly isSpread: boolean;
  /** Gives this rank's card and gets those of its neighbours. `admit` is told who may join its links. Once. */
  meet(card: Card, admit: Admit): Promise<Neighbours>;
}

export interface WireUpOptions {
  readonly size: number;
  readonly shape: Shape;
  /** The user's key, with which cards are sealed that go through the hands of a launcher; undefined when there is none. */
  userKey(): Promise<CardSeal | undefined>;
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
export async function pmiWireUp(fd: number, { size, shape, userKey }: WireUpOptions): Promise<WireUp> {
  const pmi = new PmiClient(new LineStream(fdStream(fd), PMI_LIMITS.line), "foreign");
  await pmi.init();
  const nodes = await nodeCount(pmi, size);
  return {
    session: pmi.kvsname,
    isSpread: nodes !== 1,
    async meet(card, admit) {
      const seal = card.publicKey === undefined ? undefined : await userKey();
      const neighbours = await exchange(pmi, card, { size, shape, seal, isSpread: nodes !== 1, admit });
      await pmi.finalize();
      return neighbours;
    },
  };
}
