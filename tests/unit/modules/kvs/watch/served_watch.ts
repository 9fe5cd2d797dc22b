/** `kvs-watch` on a tree that the test writes itself, with clients that call it. */

import { encodeJson, FluxError } from "../../../../../broker/message/mod.ts";
import type { Handle, Queue } from "../../../../../broker/handle/mod.ts";
import { KvsFlag, type Operation, PRIMARY, type Root } from "../../../../../modules/kvs/protocol.ts";
import { readValue } from "../../../../../modules/kvs/client_replies.ts";
import { Reader } from "../../../../../modules/kvs/reader.ts";
import { Roots } from "../../../../../modules/kvs/roots.ts";
import { type TreeObject, valBytes } from "../../../../../modules/kvs/tree/treeobj.ts";
import { watchMethods } from "../../../../../modules/kvs/watch/service.ts";
import { Served } from "../../../service/served.ts";
import { TreeStore } from "../tree/tree_store.ts";

/** Words for flags of {@link KvsFlag}. */
export type FlagName = keyof typeof KvsFlag;

const refuse = () => Promise.reject(new FluxError("ENOTSUP"));

export class ServedWatch {
  readonly served = new Served();
  readonly store: TreeStore;
  readonly roots = new Roots({ ask: refuse, renew: refuse });
  /** Bytes that wait for every client. */
  backlog = 0;
  #rootseq = 0;
  #gate: PromiseWithResolvers<void> | undefined;
  #client: Handle | undefined;

  private constructor(store: TreeStore) {
    this.store = store;
  }

  /** `owner`: of the namespace; `cache`: bytes of decoded directories that the service keeps. */
  static async open({ owner = 100, cache = 1 << 20 } = {}): Promise<ServedWatch> {
    const bench = new ServedWatch(new TreeStore());
    const reader = new Reader({
      content: { load: (blobref) => bench.#load(blobref) },
      roots: bench.roots,
      limit: cache,
    });
    bench.roots.created(bench.#root(owner));
    const ports = { clock: bench.served.clock, backlog: () => bench.backlog };
    await bench.served.serve(watchMethods({ roots: bench.roots, reader, ports }));
    return bench;
  }

  get client(): Handle {
    return this.#client ??= this.served.client();
  }

  /** Makes a new root and tells of it. */
  commit(...operations: Operation[]): Root {
    const { keys } = this.store.apply(operations);
    this.#rootseq++;
    const root = this.#root(this.roots.get(PRIMARY)!.owner);
    this.roots.advance(root, keys.flat());
    return root;
  }

  /** Blobs are not loaded until `release`. */
  hold(): void {
    this.#gate = Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  watch(key: string, flags: readonly FlagName[] = [], client: Handle = this.client): Watch {
    return this.ask(key, ["watch", ...flags], client);
  }

  ask(key: string, flags: readonly FlagName[], client: Handle = this.client): Watch {
    const request = { key, namespace: PRIMARY, flags: flags.reduce((all, name) => all | KvsFlag[name], 0) };
    return new Watch(client.streamRaw("kvs-watch.lookup", encodeJson(request)));
  }

  async watchers(): Promise<number> {
    return (await this.client.rpc<{ watchers: number }>("kvs-watch.stats-get")).watchers;
  }

  #root(owner: number): Root {
    return { namespace: PRIMARY, rootref: this.store.rootref, rootseq: this.#rootseq, owner, flags: 0 };
  }

  async #load(blobref: string): Promise<Uint8Array> {
    await this.#gate?.promise;
    const bytes = this.store.blobs.get(blobref);
    if (!bytes) throw new FluxError("ENOENT");
    return bytes;
  }
}

/** The answers to one request. */
export class Watch {
  readonly #answers: Queue<Uint8Array | undefined>;

  constructor(answers: Queue<Uint8Array | undefined>) {
    this.#answers = answers;
  }

  /** The next answer: a tree object, "sentinel" for one without payload, undefined at the end. Throws what it fails with. */
  async next(): Promise<TreeObject | "sentinel" | undefined> {
    const { done, value } = await this.#answers.next();
    if (done) return undefined;
    return value ? readValue(value) : "sentinel";
  }

  /** The next answer as a plain object. */
  async object(): Promise<TreeObject> {
    const answer = await this.next();
    if (typeof answer !== "object") throw new Error(`${answer} instead of a tree object`);
    return { ...answer };
  }

  /** The text of the next answer. */
  async text(): Promise<string | undefined> {
    const answer = await this.next();
    return typeof answer === "object" && answer.type === "val"
      ? new TextDecoder().decode(valBytes(answer))
      : answer?.toString();
  }

  async texts(count: number): Promise<(string | undefined)[]> {
    const texts: (string | undefined)[] = [];
    while (texts.length < count) texts.push(await this.text());
    return texts;
  }

  /** Answers that have come and were not taken. */
  get waiting(): number {
    return this.#answers.length;
  }

  cancel(): void {
    void this.#answers.return();
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
