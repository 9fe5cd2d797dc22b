/**
 * `content`: blobs by the digest of their bytes, on every rank (wire.md §3.12). Rank 0 has all of them, in memory or in a
 * backing store; the others have what they use in a cache before their parent. Beside the blobs rank 0 keeps the roots of
 * the key-value store, which change in one step with the blobs they need (`content.commit`).
 */

import { blobrefOf, digestOf, type Hash, isErrno } from "../../broker/message/mod.ts";
import {
  type Handle,
  integerField,
  type Method,
  type Methods,
  type Module,
  type ModuleContext,
  type Request,
  stringField,
} from "../../broker/handle/mod.ts";
import { loadHash, sleep } from "../../broker/ports/mod.ts";
import { Backing } from "./backing.ts";
import type { Keeper } from "./keeper.ts";
import { Origin } from "./origin.ts";
import { decodeMark } from "./protocol.ts";
import { checkBlob } from "./refusals.ts";
import { Settings } from "./settings.ts";
import { Upstream } from "./upstream.ts";

const EMPTY = new Uint8Array(0);

const content: Module = {
  name: "content",
  async start({ handle, args, ports }) {
    const settings = new Settings(ports, args);
    const origin = ports.rank === 0 ? openOrigin({ handle, ports }, settings) : undefined;
    const keeper: Keeper = origin ?? new Upstream(handle, settings.limits);
    await handle.serve({
      ...blobMethods(keeper, settings),
      ...(origin && originMethods(origin, (name) => new Backing(handle, name))),
    });
    declareAccounts(ports, keeper, origin);
    if (origin) await attachAgain(origin, handle);
    await handle.listen("heartbeat.pulse", () => keeper.beat());
  },
};
export default content;

function openOrigin({ handle, ports }: Pick<ModuleContext, "handle" | "ports">, settings: Settings): Origin {
  return new Origin({
    limits: settings.limits,
    blobLimit: () => settings.get("content.blob-size-limit"),
    grace: () => settings.get("content.gc-grace"),
    now: () => Math.floor(ports.clock.wall() / 1000),
    writer: ports.attribute("broker.uuid") ?? "",
    loadHash,
    log: (level, text) => ports.log(level, text),
    pause: () => sleep(ports.clock, 0),
    adopted: async () => {
      await handle.rpc("kvs.adopt").catch((error) => {
        if (!isErrno(error, "ENOSYS")) throw error;
      });
    },
  });
}

/** A store that is there already, since this module is loaded again, has everything. */
async function attachAgain(origin: Origin, handle: Handle): Promise<void> {
  let name: string;
  try {
    ({ name } = await new Backing(handle, "").info());
  } catch (error) {
    if (isErrno(error, "ENOSYS")) return;
    throw error;
  }
  await origin.attach(new Backing(handle, name));
}

/** What every rank answers. */
function blobMethods(keeper: Keeper, settings: Settings): Methods {
  let hash: Hash | undefined;
  const store = (blob: Uint8Array, hash: Hash) => {
    const blobref = hash(blob);
    checkBlob(blobref, blob.length, settings.get("content.blob-size-limit"));
    const storing = keeper.store(blobref, blob);
    const digest = digestOf(blobref);
    return storing ? storing.then(() => digest) : digest;
  };
  const load = ({ message: { payload = EMPTY } }: Request) => {
    const blob = keeper.load(blobrefOf(payload), payload);
    return blob instanceof Promise ? blob.then(orNothing) : orNothing(blob);
  };
  const stats = () => ({ ...keeper.stats(), "flush-batch-count": 0, mmap: { tags: {}, blobs: 0 } });
  return {
    "content.load": load,
    "content.store": ({ message: { payload = EMPTY } }) => {
      if (hash) return store(payload, hash);
      return loadHash().then((loaded) => store(payload, hash = loaded));
    },
    "content.flush": () => keeper.flush(),
    "content.dropcache": () => void keeper.dropCache(),
    "content.stats-get": { access: "all", handler: stats },
    "content.stats.get": { access: "all", handler: () => keeper.stats() },
  };
}

/** An empty blob is no payload. */
function orNothing(blob: Uint8Array): Uint8Array | undefined {
  return blob.length > 0 ? blob : undefined;
}

/** What rank 0 alone answers. */
function originMethods(origin: Origin, open: (name: string) => Backing): Methods {
  const methods: Record<string, Method> = {
    commit: ({ message }) => origin.commit(message.payload),
    roots: () => ({ roots: origin.roots }),
    "gc-begin": async () => ({ epoch: await origin.beginCollection() }),
    "gc-mark": async ({ message }) => {
      const { epoch, digests } = decodeMark(message.payload);
      await origin.mark(epoch, digests);
      return { marked: digests.length };
    },
    "gc-sweep": async ({ payload }) =>
      await origin.sweep(integerField(payload, "epoch"), integerField(payload, "limit")),
    "checkpoint-get": () => origin.checkpoints(),
    "checkpoint-put": ({ payload }) => origin.putCheckpoint(payload),
    "register-backing": ({ payload }) => origin.attach(open(stringField(payload, "name"))),
    "unregister-backing": () => origin.detach(),
    validate: ({ message: { payload = EMPTY } }) => origin.validate(blobrefOf(payload), payload),
  };
  return Object.fromEntries(Object.entries(methods).map(([name, method]) => [`content.${name}`, method]));
}

/** Attributes that tell of the cache. */
function declareAccounts(ports: ModuleContext["ports"], keeper: Keeper, origin: Origin | undefined): void {
  const accounts = { entries: "count", size: "size", dirty: "dirty", valid: "valid" } as const;
  for (const [name, member] of Object.entries(accounts)) {
    ports.declare(`content.acct-${name}`, { value: () => String(keeper.stats()[member]) });
  }
  ports.declare("content.flush-batch-count", { value: () => "0" });
  if (origin) ports.declare("content.backing-module", { value: () => origin.backing?.name });
}
