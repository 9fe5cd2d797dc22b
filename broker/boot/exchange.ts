/**
 * The wire-up: every rank puts up its card, waits for all, reads the cards of its neighbours and of no one else, and waits
 * again until all have.
 */

import {
  type Card,
  cardFields,
  FluxError,
  formatHostlist,
  type JsonObject,
  parseHostlist,
  readCard,
  securityOf,
} from "../message/mod.ts";
import type { PmiClient } from "../pmi/mod.ts";
import { getLong, putLong } from "./long_values.ts";
import type { Identity } from "./user_key.ts";

/** Who a rank has to do with. `Topology` of broker/overlay is one. */
export interface Shape {
  parent(rank: number): number | null;
  children(rank: number): number[];
}

export interface Neighbours {
  /** Null at rank 0. */
  readonly parent: Card | null;
  /** Null in a session of one. */
  readonly right: Card | null;
  /** Public keys that may join our links, and whose they are: the children's and the left neighbour's. */
  readonly keys: ReadonlyMap<string, number>;
  /** Who is above by the topology, the parent first: for a rank that comes back to a session. */
  readonly above?: readonly Card[];
  /** The names of all ranks' hosts. */
  readonly hosts: readonly string[];
}

/** Under which rank 0 puts up the names of all hosts. */
const HOSTS = "hosts";

/** What `exchange` needs of the user's key. `UserKey` is one. */
export interface CardSeal {
  seal(fields: JsonObject, identity: Identity): JsonObject;
  check(fields: JsonObject, identity: Identity): void;
}

/** Learns who may join our links. */
export type Admit = (keys: Neighbours["keys"]) => void;

export interface ExchangeOptions {
  readonly size: number;
  readonly shape: Shape;
  /** With it every card must bear it; the session is what the server calls it. */
  readonly seal?: CardSeal | undefined;
  /** Ranks may be on other hosts: their names are exchanged too. */
  readonly isSpread: boolean;
  /** Called before anybody can dial. */
  readonly admit: Admit;
}

/**
 * Exchanges cards over a conversation with a PMI server that was opened. Throws what `PmiClient` throws, EPROTO for what is no
 * card, EINVAL for one of a broker whose links are secured otherwise, EACCES for one without the right seal.
 */
export async function exchange(pmi: PmiClient, card: Card, options: ExchangeOptions): Promise<Neighbours> {
  const { size, seal, isSpread } = options;
  const fields = cardFields(card);
  await putLong(pmi, `${card.rank}`, JSON.stringify(seal?.seal(fields, identity(pmi, options, card.rank)) ?? fields));
  await pmi.barrier();
  const neighbours = await readNeighbours(pmi, card, options);
  if (isSpread && card.rank === 0) {
    const others = Array.from({ length: size - 1 }, async (_, at) => `${(await readFields(pmi, at + 1)).host}`);
    await putLong(pmi, HOSTS, formatHostlist([card.hostname, ...await Promise.all(others)]));
  }
  // Nobody may dial before the one who is dialled knows whom to admit.
  options.admit(neighbours.keys);
  await pmi.barrier();
  return { ...neighbours, hosts: await readHosts(pmi, card, options) };
}

/** The same for a rank that comes back: all others have exchanged their cards long ago. */
export async function exchangeAnew(pmi: PmiClient, card: Card, options: ExchangeOptions): Promise<Neighbours> {
  const { shape } = options;
  await putLong(pmi, `${card.rank}`, JSON.stringify(cardFields(card)));
  const above: Card[] = [];
  for (let at = shape.parent(card.rank); at !== null; at = shape.parent(at)) {
    above.push(await readOne(pmi, at, card, options));
  }
  const neighbours = await readNeighbours(pmi, card, options);
  options.admit(neighbours.keys);
  return { ...neighbours, above, hosts: await readHosts(pmi, card, options) };
}

async function readHosts(pmi: PmiClient, { hostname }: Card, { isSpread, size }: ExchangeOptions): Promise<string[]> {
  return isSpread ? parseHostlist(await getLong(pmi, HOSTS)) : Array<string>(size).fill(hostname);
}

async function readNeighbours(
  pmi: PmiClient,
  own: Card,
  options: ExchangeOptions,
): Promise<Omit<Neighbours, "hosts">> {
  const { size, shape } = options, { rank } = own;
  const parentRank = shape.parent(rank);
  const right = (rank + size - 1) % size, left = (rank + 1) % size;
  const wanted = new Set([...shape.children(rank), left, right, ...(parentRank === null ? [] : [parentRank])]);
  wanted.delete(rank);
  const cards = new Map<number, Card>();
  await Promise.all([...wanted].map(async (one) => cards.set(one, await readOne(pmi, one, own, options))));
  const keys = new Map<string, number>();
  for (const one of [left, ...shape.children(rank)]) {
    const key = cards.get(one)?.publicKey;
    if (key !== undefined) keys.set(key, one);
  }
  return {
    parent: parentRank === null ? null : cards.get(parentRank)!,
    right: cards.get(right) ?? null,
    keys,
  };
}

async function readOne(pmi: PmiClient, rank: number, own: Card, options: ExchangeOptions): Promise<Card> {
  const fields = await readFields(pmi, rank);
  const card = readCard(rank, fields);
  // One without keys bears no seal either, and would be taken for somebody else's.
  expectAlike(own, card);
  options.seal?.check(fields, identity(pmi, options, rank));
  return card;
}

/** Throws EINVAL when the links of two brokers could not be made. */
function expectAlike(own: Card, other: Card): void {
  if (securityOf(own) === securityOf(other)) return;
  const describe = (card: Card) => `${securityOf(card)} at rank ${card.rank} (${card.hostname})`;
  throw new FluxError("EINVAL", `--security is ${describe(other)}, ${describe(own)}: it must be the same everywhere`);
}

async function readFields(pmi: PmiClient, rank: number): Promise<JsonObject> {
  return parseCard(rank, await getLong(pmi, `${rank}`));
}

function identity(pmi: PmiClient, { size }: ExchangeOptions, rank: number): Identity {
  return { session: pmi.kvsname, size, rank };
}

function parseCard(rank: number, text: string): JsonObject {
  try {
    return (JSON.parse(text) ?? {}) as JsonObject;
  } catch {
    throw new FluxError("EPROTO", `business card of rank ${rank}: not JSON`);
  }
}
