/**
 * `content-sqlite`: the backing store of `content` at rank 0, a SQLite file in the state directory, or in the run directory
 * when the session has none. Loading it moves all content into the file, unloading it brings everything back to memory.
 */

import {
  blobrefOf,
  decodeJson,
  digestOf,
  encodeJson,
  FluxError,
  type JsonObject,
  pack,
  unpack,
} from "../../broker/message/mod.ts";
import {
  integerField,
  type Methods,
  type Module,
  objectField,
  optionalInteger,
  type Request,
  stringField,
} from "../../broker/handle/mod.ts";
import { type ContentStore, loadHash } from "../../broker/ports/mod.ts";
import { decodeCommit, decodeMark, joinDigests, splitDigests } from "../content/protocol.ts";
import { storeOptions } from "./options.ts";

const EMPTY = new Uint8Array(0);

const contentSqlite: Module = {
  name: "content-sqlite",
  services: ["content-backing"],
  async start({ name, handle, args, ports }) {
    if (ports.rank !== 0) throw new FluxError("EINVAL", `${name}: content is kept at rank 0 only`);
    const { directory, sync } = storeOptions(args, ports);
    const store = await ports.stores.open(directory, { sync });
    try {
      await handle.serve(backingMethods(name, store, () => Math.floor(ports.clock.wall() / 1000)));
      await handle.rpc("content.register-backing", { name });
    } catch (error) {
      store.close();
      throw error;
    }
    return {
      async stop() {
        // The broker that ends takes its memory with it.
        const { state } = await handle.rpc<{ state: string }>("state-machine.get");
        try {
          if (state === "run" || state === "init") await handle.rpc("content.unregister-backing");
        } finally {
          store.close();
        }
      },
    };
  },
};
export default contentSqlite;

/** `now` in seconds: what a client stores past `content` is spared as if it had gone through it. */
function backingMethods(name: string, store: ContentStore, now: () => number): Methods {
  const methods: Methods = {
    load: (request) => {
      const blob = found(store, digest(request));
      return blob.length > 0 ? blob : undefined;
    },
    store: async ({ message: { payload: blob = EMPTY } }) => {
      const digest = digestOf((await loadHash())(blob));
      store.commit({ blobs: [{ digest, blob }], used: now() });
      return digest;
    },
    validate: async (request) => {
      const wanted = digest(request);
      const blobref = blobrefOf(wanted);
      if ((await loadHash())(found(store, wanted)) !== blobref) {
        throw new FluxError("EIO", `${blobref}: damaged in ${store.path}`);
      }
    },
    commit: ({ message: { payload } }) => {
      const { refs, blobs, roots, used } = decodeCommit(payload);
      store.commit({
        blobs: refs.map((ref, i) => ({ digest: digestOf(ref), blob: blobs[i]! })),
        roots: Object.fromEntries(Object.entries(roots).map(([name, root]) => [name, root && JSON.stringify(root)])),
        used,
      });
    },
    info: () => {
      const roots = [...store.roots()].map(([namespace, root]) => [namespace, JSON.parse(root)]);
      return { name, path: store.path, roots: Object.fromEntries(roots), writer: store.writer() };
    },
    claim: ({ payload }) => store.claim(stringField(payload, "writer")),
    flush: () => store.flush(),
    "gc-begin": () => ({ epoch: store.begin() }),
    "gc-mark": ({ message: { payload } }) => {
      const { epoch, digests } = decodeMark(payload);
      requireEpoch(store, epoch);
      store.mark(digests);
      return { marked: digests.length };
    },
    "gc-sweep": ({ payload }) => sweep(store, payload),
    touch: ({ message: { payload } }) => {
      const [head, digests = EMPTY] = unpack(payload ?? EMPTY);
      store.touch(splitDigests(digests), integerField(decodeJson(head), "used"));
    },
    scan: ({ payload }) => scan(store, payload),
    "checkpoint-get": () => {
      const value = store.checkpoints().map((text) => JSON.parse(text));
      if (value.length === 0) throw new FluxError("ENOENT");
      return { value };
    },
    "checkpoint-put": ({ payload }) => store.putCheckpoint(JSON.stringify(objectField(payload, "value"))),
  };
  return Object.fromEntries(Object.entries(methods).map(([name, method]) => [`content-backing.${name}`, method]));
}

function digest({ message: { payload = EMPTY } }: Request): Uint8Array {
  blobrefOf(payload);
  return payload;
}

function found(store: ContentStore, digest: Uint8Array): Uint8Array {
  const blob = store.load(digest);
  if (!blob) throw new FluxError("ENOENT", "No such file or directory");
  return blob;
}

function requireEpoch(store: ContentStore, epoch: number | undefined): void {
  if (epoch !== store.epoch) throw new FluxError("EAGAIN", `epoch ${epoch} is over, it is ${store.epoch}`);
}

function sweep(store: ContentStore, payload: JsonObject): Uint8Array {
  requireEpoch(store, optionalInteger(payload, "epoch"));
  const { digests, bytes, done, live } = store.sweep(integerField(payload, "limit"), integerField(payload, "spare"));
  return pack([encodeJson({ deleted: digests.length, bytes, done, live }), joinDigests(digests)]);
}

function scan(store: ContentStore, payload: JsonObject): Uint8Array {
  const { blobs, next } = store.scan(integerField(payload, "from"), integerField(payload, "bytes"));
  const refs = blobs.map(({ digest }) => blobrefOf(digest));
  const used = blobs.map(({ used }) => used);
  return pack([encodeJson({ refs, used, next }), ...blobs.map(({ blob }) => blob)]);
}
