/**
 * `kvs-watch`: lookups that are answered again and again, that wait, or that come blob by blob (wire.md §3.15). Served on
 * every rank from what it knows of the roots. Its clients end a watch by `kvs-watch.cancel` or by going away.
 */

import {
  anyone,
  integerField,
  type Methods,
  type ModulePorts,
  type Request,
  stringField,
  user,
} from "../../../broker/handle/mod.ts";
import { FluxError } from "../../../broker/message/mod.ts";
import { sleep } from "../../../broker/ports/mod.ts";
import { checkNamespace, isGuest } from "../access.ts";
import { normalize } from "../tree/key.ts";
import { type Found, LookupError } from "../tree/lookup.ts";
import { KvsFlag, type Root } from "../protocol.ts";
import type { Reader } from "../reader.ts";
import { ANYTHING, type Roots } from "../roots.ts";
import { type Waking, Watched, type WatchedKey } from "./watched.ts";
import { Answer, Watcher } from "./watcher.ts";
import { WatchIndex } from "./index.ts";
import { Laggards } from "./laggards.ts";
import { readMode, type WatchMode } from "./mode.ts";
import { type Val, val, type Valref } from "../tree/treeobj.ts";

export interface WatchOptions {
  readonly roots: Roots;
  readonly reader: Reader;
  readonly ports: Pick<ModulePorts, "clock" | "backlog">;
}

/** The methods of `kvs-watch`. */
export function watchMethods(options: WatchOptions): Methods {
  const service = new WatchService(options);
  return {
    "kvs-watch.lookup": user((request) => service.lookup(request)),
    "kvs-watch.stats-get": anyone(() => service.stats()),
  };
}

/** Those who watch keys of one namespace. */
interface Watching {
  readonly index: WatchIndex<Waking>;
  readonly watched: Map<string, Watched>;
}

/** A request that was read. */
interface Asked {
  readonly request: Request;
  readonly namespace: string;
  readonly key: string;
  readonly mode: WatchMode;
  readonly allow: ((root: Root) => void) | undefined;
}

/** How long a client that is behind is left alone, ms. */
const PATIENCE = 20;

class WatchService {
  readonly #options: WatchOptions;
  readonly #laggards: Laggards;
  readonly #namespaces = new Map<string, Watching>();
  #watchers = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    const { clock, backlog } = options.ports;
    this.#laggards = new Laggards({ clock, backlog });
    options.roots.follow({
      changed: (root, keys) => this.#changed(root, keys),
      removed: (namespace) => this.#removed(namespace),
    });
  }

  stats() {
    const { roots } = this.#options;
    const namespaces = [...this.#namespaces].map(([namespace, { index }]) => {
      const root = roots.get(namespace);
      const watchers = [...index.items].reduce((sum, { size }) => sum + size, 0);
      return [namespace, { owner: root?.owner ?? -1, rootseq: root?.rootseq ?? -1, watchers }];
    });
    return {
      watchers: this.#watchers,
      "namespace-count": namespaces.length,
      namespaces: Object.fromEntries(namespaces),
    };
  }

  /** Resolves when the request is answered for the last time; throws what it is to be refused with. */
  async lookup(request: Request): Promise<Uint8Array | void> {
    const { payload } = request;
    const asked = {
      request,
      mode: readMode(integerField(payload, "flags"), request.isStreaming),
      key: normalize(stringField(payload, "key")),
      namespace: stringField(payload, "namespace"),
      allow: isGuest(request) ? (root: Root) => checkNamespace(request, root) : undefined,
    };
    await this.#options.roots.find(asked.namespace);
    if (request.signal.aborted) return;
    this.#watchers++;
    try {
      if (asked.mode.watches) await this.#watch(asked);
      else if (asked.mode.streams) await this.#stream(asked);
      else return (await this.#once(asked, asked.mode.lookup)).payload;
    } finally {
      this.#watchers--;
    }
  }

  async #watch({ request, namespace, key, mode, allow }: Asked): Promise<void> {
    const root = this.#root(namespace, allow);
    const { full, appends, lookup } = mode;
    const who = allow ? request.userid : "";
    const watched = this.#watched(`${who}|${full}|${appends}|${lookup}|${key}`, {
      namespace,
      key,
      full,
      appends,
      lookup,
      allow,
    });
    const watcher = new Watcher(request, mode, root.rootseq, this.#laggards, () => watched.again());
    request.signal.addEventListener("abort", () => watcher.stop(), { once: true });
    watched.join(watcher, root);
    await watcher.done;
    watched.leave(watcher);
  }

  /** Answers with each blob of a value, as fast as the client takes them. */
  async #stream(asked: Asked): Promise<void> {
    const { reader, ports: { clock } } = this.#options;
    const { request } = asked;
    const { value } = await this.#found(asked, KvsFlag.stream);
    for (const part of partsOf(value as Val | Valref)) {
      const object = typeof part === "string" ? val(await reader.load(part)) : part;
      if (request.signal.aborted) return;
      request.respond(new Answer(object).payload);
      while (this.#laggards.isBehind(request.sender)) await sleep(clock, PATIENCE, request.signal);
    }
    request.end();
  }

  async #once(asked: Asked, flags: number): Promise<Answer> {
    return new Answer((await this.#found(asked, flags)).value);
  }

  /** What the key has, at once or, if the request waits, as soon as it is there. */
  async #found({ request, namespace, key, mode, allow }: Asked, flags: number): Promise<Found> {
    const { reader } = this.#options;
    for (;;) {
      const { rootseq } = this.#root(namespace, allow);
      try {
        return await reader.current({ namespace, key, flags }, allow);
      } catch (error) {
        if (!(mode.waits && error instanceof LookupError && error.code === "ENOENT")) throw error;
        await this.#change(namespace, error.trail, rootseq, request.signal);
      }
    }
  }

  /** Resolves when what a lookup depends on may differ from what it was at a root. */
  async #change(namespace: string, trail: readonly string[], rootseq: number, signal: AbortSignal): Promise<void> {
    if (this.#root(namespace).rootseq > rootseq) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { index } = this.#watching(namespace);
    const waking: Waking = { wake: () => resolve(), gone: () => reject(new FluxError("ENOTSUP")), size: 1 };
    const abort = () => reject(signal.reason);
    index.putTrail(waking, trail);
    signal.addEventListener("abort", abort);
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
      index.remove(waking);
      this.#tidy(namespace, index);
    }
  }

  /** The newest root. Throws ENOTSUP when the namespace is gone, EPERM when it may not be read. */
  #root(namespace: string, allow?: (root: Root) => void): Root {
    const root = this.#options.roots.get(namespace);
    if (!root) throw new FluxError("ENOTSUP");
    allow?.(root);
    return root;
  }

  #watching(namespace: string): Watching {
    let watching = this.#namespaces.get(namespace);
    if (!watching) this.#namespaces.set(namespace, watching = { index: new WatchIndex(), watched: new Map() });
    return watching;
  }

  #watched(id: string, what: WatchedKey): Watched {
    const { reader, roots } = this.#options;
    const { index, watched } = this.#watching(what.namespace);
    let found = watched.get(id);
    if (!found) {
      const empty = () => {
        watched.delete(id);
        this.#tidy(what.namespace, index);
      };
      watched.set(id, found = new Watched(what, { reader, roots, index, empty }));
    }
    return found;
  }

  #changed(root: Root, keys: readonly string[]): void {
    const watching = this.#namespaces.get(root.namespace);
    if (!watching) return;
    const written = watching.index.affected(keys.filter((key) => key !== ANYTHING));
    for (const waking of written) waking.wake(root, true);
    if (!keys.includes(ANYTHING)) return;
    for (const waking of [...watching.index.items]) if (!written.has(waking)) waking.wake(root, false);
  }

  #removed(namespace: string): void {
    const watching = this.#namespaces.get(namespace);
    this.#namespaces.delete(namespace);
    for (const waking of [...watching?.index.items ?? []]) waking.gone();
  }

  /** Forgets a namespace that nobody watches any more. */
  #tidy(namespace: string, index: WatchIndex<Waking>): void {
    if (index.size === 0 && this.#namespaces.get(namespace)?.index === index) this.#namespaces.delete(namespace);
  }
}

/** A value as it is stored, part by part: itself, or the blobrefs of its blobs. */
function partsOf(value: Val | Valref): readonly (Val | string)[] {
  return value.type === "val" ? [value] : value.data;
}
