/**
 * Changing the parent of a broker while it runs (services.md §3, `cmb.reparent`). The broker with the new parent's
 * endpoint is looked for over the tree, asked to let us in, and joined; only then is the old parent left.
 *
 * Invariants: the old parent stays until the new one has taken us in, also when that fails. One broker of the session
 * changes its parent at a time (rank 0 gives turns), so that the way up from the new parent, which must not lead through
 * us, is known for certain.
 */

import { type Card, cardFields, FluxError, type JsonObject, NODEID_UPSTREAM, readCard } from "../message/mod.ts";
import { integerField, type Methods, optionalString, type Request, stringField, until } from "../handle/mod.ts";
import type { BrokerParts } from "./native.ts";
import { sleep } from "../ports/mod.ts";
import { deadline } from "./deadline.ts";
import { Turns } from "./turns.ts";

/** The whole change may take this long, and the search for the endpoint this long at each broker, ms. */
const PATIENCE = 10_000;
const SEARCH = 5_000;
/** Who comes back asks each of those above for so long, and makes a pause when none has taken it in, ms. */
const REJOIN = 2_000, PAUSE = 250;

/** The ranks of the parents before and after; -1 for none. */
export interface Move extends JsonObject {
  from: number;
  to: number;
}

export class Reparent {
  readonly #broker: BrokerParts;
  /** Parents this broker has had, by endpoint. */
  readonly #known = new Map<string, Card>();
  readonly #turns: Turns;
  /** The parent it had first; undefined at rank 0. */
  home: Card | undefined;
  #busy = false;

  constructor(broker: BrokerParts) {
    this.#broker = broker;
    this.#turns = new Turns(broker.ports.clock);
  }

  get methods(): Methods {
    return {
      "overlay.find": ({ payload }) => this.#find(stringField(payload, "uri")),
      "overlay.admit": ({ payload }) => this.#admit(payload),
      "overlay.lineage": async () => ({ ranks: await this.#lineage() }),
      "overlay.turn": (request) => this.#turn(request),
    };
  }

  /**
   * Makes an ancestor the parent whose card is known, without asking anybody beforehand: the way up is lost, or seems to be.
   * A parent that is still there stays until the other has taken us in. Tried once, for at most `patience` ms. Throws
   * ECONNREFUSED when that broker is gone, ETIMEDOUT when it does not answer, EAGAIN when it is cut off itself or this broker
   * changes its parent already, EOVERFLOW when events that were missed are no longer kept there.
   */
  async failover(rank: number, patience: number): Promise<void> {
    const to = this.#broker.kin.ancestor(rank);
    if (this.#busy) throw new FluxError("EAGAIN", `rank ${this.#broker.options.rank} is changing its parent already`);
    this.#busy = true;
    try {
      await this.#join(to, patience, true);
      this.#broker.log("info", `reparent ${to.tbon} (failover)`, "overlay");
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Joins the first of `above` that takes us in, and asks again and again until one does: a rank that comes back. Whether that
   * takes too long is for whoever started it to say. Throws ECANCELED when the broker is to end before.
   */
  async rejoin(above: readonly Card[]): Promise<void> {
    this.#busy = true;
    while (!this.#broker.machine.reached("cleanup")) {
      for (const card of above) {
        try {
          await this.#join(card, REJOIN, true);
          return void (this.#busy = false);
        } catch (error) {
          if (!(error instanceof FluxError)) throw error;
          this.#broker.log("info", `rank ${card.rank} is no parent: ${error.message}`, "overlay");
        }
      }
      await sleep(this.#broker.ports.clock, PAUSE);
    }
    throw new FluxError("ECANCELED", "shut down before a parent was found");
  }

  /** Another process is this rank by now, and is reached there. */
  returned(card: Card): void {
    if (this.home?.rank === card.rank) this.home = card;
  }

  /** This broker is changing its parent. */
  get isBusy(): boolean {
    return this.#busy;
  }

  /** The parent's card. Its tree link is there. */
  get parent(): Card | undefined {
    return this.#known.get(this.#broker.tree.parent?.uri ?? "");
  }

  /** Notes the first parent. */
  began(parent: Card): void {
    this.home = parent;
    this.#known.set(parent.tbon, parent);
  }

  /**
   * Makes the broker that listens on `uri` the parent. Throws EINVAL for what is no URI, at rank 0, and for a broker below
   * this one; ENOENT when no broker of the session listens there; EAGAIN while this broker changes its parent already;
   * ETIMEDOUT when the new parent does not take us in.
   */
  async move(uri: string): Promise<Move> {
    const { options: { rank }, tree } = this.#broker;
    if (!uri.includes("://")) throw new FluxError("EINVAL", `"${uri}" is no URI`);
    if (rank === 0) throw new FluxError("EINVAL", "rank 0 is the root of the tree and has no parent");
    if (this.#busy) throw new FluxError("EAGAIN", `rank ${rank} is changing its parent already`);
    this.#busy = true;
    const from = tree.parent?.rank ?? -1;
    try {
      const kind = this.#known.has(uri) ? "restored" : "new";
      if (tree.parent?.uri !== uri) await this.#inTurn(async () => await this.#move(await this.#locate(uri)));
      this.#broker.log("info", `reparent ${uri} (${kind})`, "overlay");
      return { from, to: tree.parent?.rank ?? -1 };
    } finally {
      this.#busy = false;
    }
  }

  async #inTurn(action: () => Promise<void>): Promise<void> {
    const { handle, ports: { clock } } = this.#broker;
    using turn = handle.streamRaw("overlay.turn", undefined, { rank: 0 });
    await deadline(clock, PATIENCE, "others are changing their parents", turn.next());
    await action();
  }

  /**
   * One item when the turn is given; it is over when the stream ends. So it ends with its holder as well, and with the way
   * there: the word that it was given back could be lost with a parent that dies just then.
   */
  async #turn(request: Request): Promise<AsyncIterable<never>> {
    request.requireStreaming();
    const { over } = await this.#turns.take(request.signal);
    request.respond({});
    return until(over);
  }

  async #locate(uri: string): Promise<Card> {
    const { handle } = this.#broker;
    const found = await handle.rpc("overlay.find", { uri }, { rank: 0, timeout: SEARCH });
    return readCard(integerField(found, "rank"), found);
  }

  async #move(to: Card): Promise<void> {
    const { handle, options: { rank, keys } } = this.#broker;
    if (to.rank === rank) throw new FluxError("EINVAL", "that is this broker itself");
    await handle.rpc("overlay.admit", { rank, publicKey: keys?.publicKey }, { rank: to.rank, timeout: SEARCH });
    await this.#join(to, PATIENCE, false);
  }

  async #join(to: Card, patience: number, failover: boolean): Promise<void> {
    const { tree, events, options: { keys }, ports: { clock } } = this.#broker;
    const key = keys && to.publicKey;
    const over = new AbortController();
    const late = () => over.abort(new FluxError("ETIMEDOUT", `${to.tbon}: rank ${to.rank} did not take us in`));
    const timer = clock.after(patience, late);
    const how = { signal: over.signal, failover, host: to.hostname, ...(failover && { patience }) };
    const from = this.parent;
    const isNew = !this.#known.has(to.tbon);
    this.#known.set(to.tbon, to);
    try {
      await events.connect(to.events, key, how);
      await tree.connect(to.tbon, key, how);
    } catch (error) {
      if (isNew) this.#known.delete(to.tbon);
      // Events must come from whoever is the parent, so that its loss is the loss of both.
      if (from && tree.parent) {
        events.connect(from.events, keys && from.publicKey, { host: from.hostname }).catch(() => {});
      }
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** Answers with the card of the broker in this subtree whose endpoint it is. */
  async #find(uri: string): Promise<object> {
    const { handle, tree, card } = this.#broker;
    if (card.tbon === uri || card.tbon.split(",").includes(uri)) return { rank: card.rank, ...cardFields(card) };
    const ask = (child: number) => handle.rpc("overlay.find", { uri }, { rank: child, timeout: SEARCH });
    try {
      return await Promise.any(tree.children.map((child) => ask(child.rank)));
    } catch {
      throw new FluxError("ENOENT", `no broker of this session listens on ${uri}`);
    }
  }

  async #admit(payload: JsonObject): Promise<void> {
    const { options: { rank }, keyring } = this.#broker;
    const child = integerField(payload, "rank");
    const publicKey = optionalString(payload, "publicKey");
    if ((await this.#lineage()).includes(child)) throw new FluxError("EINVAL", `rank ${rank} is below rank ${child}`);
    if (publicKey !== undefined) keyring.admit(publicKey, child);
  }

  /** This rank and those above it, up to rank 0. */
  async #lineage(): Promise<number[]> {
    const { handle, options: { rank } } = this.#broker;
    if (rank === 0) return [0];
    const to = { rank: NODEID_UPSTREAM, timeout: SEARCH };
    const { ranks } = await handle.rpc<{ ranks: number[] }>("overlay.lineage", undefined, to);
    return [rank, ...ranks];
  }
}
