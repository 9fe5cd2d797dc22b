/**
 * The wire-up: every rank puts up its card, waits for all, reads the cards of its neighbours and of no one else, and waits
 * again until all have.
 */

import { type Card, cardFields, FluxError, type JsonObject, readCard } from "../message/mod.ts";
import type { PmiClient } from "../pmi/mod.ts";
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
}

/** What `exchange` needs of the user's key. `UserKey` is one. */
export interface CardSeal {
  seal(fields: JsonObject, identity: Identity): JsonObject;
  check(fields: JsonObject, identity: Identity): void;
}

/**
 * Opens the conversation with the PMI server. With a `seal` every card must bear it; the session is what the server calls it. Throws
 * what `PmiClient` throws, EMSGSIZE for a card that is too long, EACCES for one without the right seal.
 */
export async function exchange(
  pmi: PmiClient,
  card: Card,
  size: number,
  shape: Shape,
  seal?: CardSeal,
): Promise<Neighbours> {
  const { rank } = card;
  await pmi.init();
  const fields = cardFields(card);
  const text = JSON.stringify(seal ? seal.seal(fields, { session: pmi.kvsname, size, rank }) : fields);
  if (text.length > pmi.valueLimit) {
    throw new FluxError("EMSGSIZE", `business card of ${text.length} bytes; the PMI server takes ${pmi.valueLimit}`);
  }
  await pmi.put(`${rank}`, text);
  await pmi.barrier();
  const neighbours = await readNeighbours(pmi, rank, size, shape, seal);
  // Nobody may dial before the one who is dialled knows whom to admit.
  await pmi.barrier();
  return neighbours;
}

/** The same for a rank that comes back: all others have exchanged their cards long ago. */
export async function exchangeAnew(pmi: PmiClient, card: Card, size: number, shape: Shape): Promise<Neighbours> {
  const { rank } = card;
  await pmi.init();
  await pmi.put(`${rank}`, JSON.stringify(cardFields(card)));
  const above: Card[] = [];
  for (let at = shape.parent(rank); at !== null; at = shape.parent(at)) above.push(await readOne(pmi, at, size));
  return { ...await readNeighbours(pmi, rank, size, shape), above };
}

async function readNeighbours(
  pmi: PmiClient,
  rank: number,
  size: number,
  shape: Shape,
  seal?: CardSeal,
): Promise<Neighbours> {
  const parentRank = shape.parent(rank);
  const right = (rank + size - 1) % size, left = (rank + 1) % size;
  const wanted = new Set([...shape.children(rank), left, right, ...(parentRank === null ? [] : [parentRank])]);
  wanted.delete(rank);
  const cards = new Map<number, Card>();
  await Promise.all([...wanted].map(async (one) => cards.set(one, await readOne(pmi, one, size, seal))));
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

async function readOne(pmi: PmiClient, rank: number, size: number, seal?: CardSeal): Promise<Card> {
  const fields = parseCard(rank, await pmi.get(`${rank}`));
  seal?.check(fields, { session: pmi.kvsname, size, rank });
  return readCard(rank, fields);
}

function parseCard(rank: number, text: string): JsonObject {
  try {
    return (JSON.parse(text) ?? {}) as JsonObject;
  } catch {
    throw new FluxError("EPROTO", `business card of rank ${rank}: not JSON`);
  }
}
