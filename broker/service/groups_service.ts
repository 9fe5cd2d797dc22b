/**
 * `groups.*`: named sets of ranks (wire.md §3.10). A rank joins at its own broker; changes travel up the tree in batches
 * and meet at rank 0, where groups are read. A rank leaves with the client that joined, and with the link it is behind.
 */

import { FluxError, Idset, NODEID_UPSTREAM } from "../message/mod.ts";
import { type Methods, objectField, type Request, stringField, user } from "../handle/mod.ts";
import type { Clock, Timer } from "../ports/mod.ts";
import { decodeChanges, encodeChanges, Groups } from "./groups.ts";
import { requireLocal } from "./local_only.ts";
import { watched } from "./watched.ts";

/** Changes are gathered this long, ms, before they count and the parent hears of them. */
const GATHER = 1;

/** The group that every broker joins when it is ready to run. */
export const ONLINE = "broker.online";
/** The group of ranks that are late with their heartbeats; nobody joins it, it is said of them (wire.md §3.10). */
export const TORPID = "broker.torpid";

export interface GroupsOptions {
  readonly rank: number;
  /** Who joins groups on behalf of the broker itself. */
  readonly uuid: string;
  readonly clock: Clock;
  /** Sends a request that is not answered. */
  post(topic: string, payload: object, options: { rank: number }): void;
  /** The present children. */
  children(): readonly { uuid: string; ranks: Idset }[];
}

export class GroupsService {
  readonly #options: GroupsOptions;
  readonly #groups: Groups;
  readonly #watchers = new Map<string, Set<() => void>>();
  #torpid = new Idset();
  #gathering: Timer | undefined;
  #closed = false;

  constructor(options: GroupsOptions) {
    this.#options = options;
    this.#groups = new Groups(options.rank);
  }

  get methods(): Methods {
    return {
      "groups.join": (request) => {
        requireLocal(request);
        this.#groups.join(stringField(request.payload, "name"), request.sender);
        this.#gather();
      },
      "groups.leave": (request) => {
        requireLocal(request);
        this.#groups.leave(stringField(request.payload, "name"));
        this.#gather();
      },
      "groups.get": user((request) => this.#get(request)),
      "groups.update": (request) => this.#update(request),
      "groups.disconnect": ({ sender }) => {
        this.#groups.leaveAll(sender);
        this.#gather();
      },
    };
  }

  /** The broker itself joins a group. Throws EEXIST. */
  join(name: string): void {
    this.#groups.join(name, this.#options.uuid);
    this.#gather();
  }

  /** The members that are known here; all of them at rank 0. */
  members(name: string): Idset {
    return name === TORPID ? this.#torpid : this.#groups.members(name);
  }

  /** These ranks are late with their heartbeats now. At rank 0. */
  setTorpid(ranks: Idset): void {
    if (ranks.equals(this.#torpid)) return;
    this.#torpid = ranks;
    for (const watcher of [...this.#watchers.get(TORPID) ?? []]) watcher();
  }

  /** Calls `watcher` after each change of a group, until disposed. */
  watch(name: string, watcher: () => void): Disposable {
    let watchers = this.#watchers.get(name);
    if (!watchers) this.#watchers.set(name, watchers = new Set());
    watchers.add(watcher);
    return {
      [Symbol.dispose]: () => {
        if (watchers.delete(watcher) && watchers.size === 0) this.#watchers.delete(name);
      },
    };
  }

  /** The ranks that are reached through a child have changed, or the link to it ended. */
  childChanged(uuid: string, isGone: boolean): void {
    if (isGone) this.#groups.forget(uuid);
    this.#gather();
  }

  /** A link to a parent begins: the parent is told all there is. */
  parentJoined(): void {
    this.#groups.newParent();
    this.#gather();
  }

  /** Nothing counts any more, and the parent is told nothing. */
  close(): void {
    this.#closed = true;
    this.#gathering?.cancel();
  }

  #get(request: Request) {
    const name = stringField(request.payload, "name");
    if (this.#options.rank !== 0) throw new FluxError("EPROTO", "this RPC is only available on rank 0");
    const members = () => ({ members: `${this.members(name)}` });
    if (!request.isStreaming) return members();
    return watched<{ members: string }>(request, (push) => {
      push(members());
      return this.watch(name, () => push(members()));
    });
  }

  #update({ sender, payload }: Request): void {
    if (!this.#options.children().some(({ uuid }) => uuid === sender)) return;
    this.#groups.update(sender, decodeChanges(objectField(payload, "update")));
    this.#gather();
  }

  #gather(): void {
    if (!this.#closed) this.#gathering ??= this.#options.clock.after(GATHER, () => this.#settle());
  }

  #settle(): void {
    this.#gathering = undefined;
    const { children, rank, post } = this.#options;
    const reached = new Map(children().map(({ uuid, ranks }) => [uuid, ranks]));
    const changed = this.#groups.refresh((child) => reached.get(child));
    if (rank !== 0) {
      const changes = this.#groups.unreported();
      if (changes.length > 0) post("groups.update", { update: encodeChanges(changes) }, { rank: NODEID_UPSTREAM });
    }
    for (const name of changed) for (const watcher of [...this.#watchers.get(name) ?? []]) watcher();
  }
}
