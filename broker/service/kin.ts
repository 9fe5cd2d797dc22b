/**
 * Who is above a broker, up to rank 0, and where each of them is reached: what it needs when its parent is gone and nobody
 * can be asked any more. The keys of those below travel up, so that every ancestor lets them in then.
 */

import { type Card, cardFields, FluxError, type JsonObject, readCard } from "../message/mod.ts";
import { integerField, type Methods, objectField, type Request } from "../handle/mod.ts";
import type { Clock, Timer } from "../ports/mod.ts";

/** Keys from below are gathered this long, ms, before the parent hears of them. */
const GATHER = 1;

export interface KinOptions {
  readonly clock: Clock;
  /** This broker's card, once it listens. */
  card(): Card;
  /** Route ids of the parent and of the children, by rank. */
  parent(): { rank: number; uuid: string } | undefined;
  children(): readonly { rank: number; uuid: string }[];
  /** Lets a rank with this public key join our links from now on. */
  admit(publicKey: string, rank: number): void;
  rpc(topic: string, payload: object, to: { rank: number }): Promise<JsonObject>;
  post(topic: string, payload: object, to: { rank: number }): void;
}

export class Kin {
  readonly #options: KinOptions;
  /** Keys of those below, and their ranks. */
  readonly #keys = new Map<string, number>();
  #ancestors: readonly Card[] = [];
  /** Keys the parent has not been told yet. */
  #news: [string, number][] = [];
  #gathering: Timer | undefined;

  constructor(options: KinOptions) {
    this.#options = options;
  }

  /** The parent first, rank 0 last; those of the last parent while there is none. */
  get ancestors(): readonly Card[] {
    return this.#ancestors;
  }

  /** The card of the ancestor with this rank. Throws ENOENT. */
  ancestor(rank: number): Card {
    const card = this.#ancestors.find((one) => one.rank === rank);
    if (card) return card;
    throw new FluxError("ENOENT", `rank ${rank} is no ancestor of rank ${this.#options.card().rank}`);
  }

  get methods(): Methods {
    return {
      "overlay.kin": (request) => {
        this.#fromChild(request);
        return { ancestors: this.#describe() };
      },
      "overlay.kin-keys": (request) => this.#fromChild(request),
      "overlay.ancestors": (request) => this.#fromParent(request),
    };
  }

  /** There is a parent: it is told who we are, and tells who is above it. */
  parentJoined(card: Card): void {
    const { parent, rpc, card: own } = this.#options;
    if (this.#ancestors[0]?.rank !== card.rank) this.#ancestors = [card, ...this.#above(card.rank)];
    const { publicKey, rank } = own();
    const keys = Object.fromEntries([...this.#keys, ...(publicKey === undefined ? [] : [[publicKey, rank] as const])]);
    this.#news = [];
    const { uuid } = parent()!;
    void rpc("overlay.kin", { keys }, { rank: card.rank }).then(({ ancestors }) => {
      if (parent()?.uuid === uuid) this.#learn(readCards(ancestors));
    }).catch((error) => {
      // The link is gone, and with it the question.
      if (!(error instanceof FluxError)) throw error;
    });
  }

  close(): void {
    this.#gathering?.cancel();
  }

  /** Those above a new parent, as far as we know: of one that was no ancestor rank 0 is above for certain. */
  #above(rank: number): readonly Card[] {
    const at = this.#ancestors.findIndex((one) => one.rank === rank);
    return at < 0 ? this.#ancestors.slice(-1) : this.#ancestors.slice(at + 1);
  }

  #learn(ancestors: readonly Card[]): void {
    this.#ancestors = ancestors;
    const { children, post } = this.#options;
    for (const { rank } of children()) post("overlay.ancestors", { ancestors: this.#describe() }, { rank });
  }

  #fromChild({ sender, payload }: Request): void {
    const { children, admit, clock } = this.#options;
    if (!children().some(({ uuid }) => uuid === sender)) return;
    const keys = objectField(payload, "keys");
    for (const key of Object.keys(keys)) {
      const rank = integerField(keys, key);
      admit(key, rank);
      if (this.#keys.has(key)) continue;
      this.#keys.set(key, rank);
      this.#news.push([key, rank]);
    }
    if (this.#news.length > 0) this.#gathering ??= clock.after(GATHER, () => this.#tell());
  }

  #tell(): void {
    this.#gathering = undefined;
    const { parent, post } = this.#options;
    const to = parent();
    if (!to) return;
    post("overlay.kin-keys", { keys: Object.fromEntries(this.#news) }, { rank: to.rank });
    this.#news = [];
  }

  #fromParent({ sender, payload }: Request): void {
    if (this.#options.parent()?.uuid === sender) this.#learn(readCards(payload.ancestors));
  }

  #describe(): JsonObject[] {
    return [this.#options.card(), ...this.#ancestors].map((card) => ({ rank: card.rank, ...cardFields(card) }));
  }
}

/** Throws EPROTO. */
function readCards(list: unknown): Card[] {
  if (!Array.isArray(list)) throw new FluxError("EPROTO", '"ancestors" must be an array');
  return list.map((one: JsonObject) => readCard(integerField(one, "rank"), one));
}
