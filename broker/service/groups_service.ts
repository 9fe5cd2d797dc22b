/**
 * `groups.*`: named sets of ranks (wire.md §3.10). A rank joins at its own broker; changes travel up the tree in batches
 * and meet at rank 0, where groups are read. A rank leaves with the client that joined, and with the link it is behind.
 */

import { FluxError, type Idset, NODEID_UPSTREAM, Role } from "../message/mod.ts";
import { type Methods, type Request, user } from "../handle/mod.ts";
import { Reducer } from "../handle/reducer.ts";
import type { Clock } from "../ports/mod.ts";
import { objectField, stringField } from "./fields.ts";
import { type Change, decodeChanges, encodeChanges, Groups, merged } from "./groups.ts";
import { watched } from "./watched.ts";

/** Changes are gathered this long, ms, before the parent hears of them. */
const GATHER = 1;

/** The group that every broker joins when it is ready to run. */
export const ONLINE = "broker.online";

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
  readonly #upstream: Reducer<Change>;
  readonly #watchers = new Map<string, Set<() => void>>();
  #closed = false;

  constructor(options: GroupsOptions) {
    this.#options = options;
    this.#groups = new Groups(options.rank);
    this.#upstream = new Reducer<Change>(options.clock, { timeout: GATHER, reduce: merged }, (changes) => {
      if (!this.#closed) options.post("groups.update", { update: encodeChanges(changes) }, { rank: NODEID_UPSTREAM });
    });
  }

  get methods(): Methods {
    return {
      "groups.join": (request) => {
        requireLocal(request);
        this.#changed(this.#groups.join(stringField(request.payload, "name"), request.sender));
      },
      "groups.leave": (request) => {
        requireLocal(request);
        this.#changed(this.#groups.leave(stringField(request.payload, "name")));
      },
      "groups.get": user((request) => this.#get(request)),
      "groups.update": (request) => this.#update(request),
      "groups.disconnect": ({ sender }) => this.#changed(this.#groups.leaveAll(sender)),
    };
  }

  /** The broker itself joins a group. Throws EEXIST. */
  join(name: string): void {
    this.#changed(this.#groups.join(name, this.#options.uuid));
  }

  /** The members that are known here; all of them at rank 0. */
  members(name: string): Idset {
    return this.#groups.members(name);
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

  /** The link to a child ended: `ranks` were behind it. */
  childGone(ranks: Idset): void {
    this.#changed(this.#groups.lost(ranks));
  }

  /** A link to a parent begins: the parent is told all there is. */
  parentJoined(): void {
    for (const change of this.#groups.snapshot()) this.#upstream.add(change);
  }

  /** Says nothing more to the parent. */
  close(): void {
    this.#closed = true;
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

  /** Changes behind a child. What it says of ranks that have moved behind another child by now is out of date. */
  #update({ sender, payload }: Request): void {
    const children = this.#options.children();
    if (!children.some(({ uuid }) => uuid === sender)) return;
    const elsewhere = children.filter(({ uuid }) => uuid !== sender);
    const changes = decodeChanges(objectField(payload, "update")).map((change) =>
      change.set ? change : {
        ...change,
        ranks: elsewhere.reduce((ranks, child) => ranks.difference(child.ranks), change.ranks),
      }
    );
    this.#changed(this.#groups.apply(changes));
  }

  #changed(changes: readonly Change[]): void {
    for (const change of changes) {
      if (this.#options.rank !== 0) this.#upstream.add(change);
    }
    for (const name of new Set(changes.map(({ name }) => name))) {
      for (const watcher of [...this.#watchers.get(name) ?? []]) watcher();
    }
  }
}

function requireLocal(request: Request): void {
  if (!(request.rolemask & Role.local)) throw new FluxError("EPROTO", `${request.topic} must come from the same rank`);
}
