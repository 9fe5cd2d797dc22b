/**
 * `flux __complete KIND [WORD]`: candidates that only a broker knows, one a line, for the completion scripts. Without a
 * broker, or when it does not answer at once, there are none; it never prints an error, since nobody would see it
 * where it belongs.
 */

import { within } from "./deadline.ts";
import { command } from "./mod.ts";
import type { Handle } from "../broker/handle/mod.ts";

/** Keys that need no quotes in any shell; as many as a person may look through. */
const PLAIN = /^[\w.:@%+,/-]+$/;
const MANY = 1000;

/** Milliseconds a person waits at a TAB for the whole of it. */
const PATIENCE = 500;

const KINDS: Readonly<Record<string, (handle: Handle, word: string) => Promise<string[]>>> = {
  async rank(handle) {
    const { value } = await handle.rpc<{ value: string }>("attr.get", { name: "size" });
    return Array.from({ length: Number(value) }, (_, rank) => String(rank));
  },
  async attr(handle) {
    return (await handle.rpc<{ names: string[] }>("attr.list", {})).names.sort();
  },
  async module(handle) {
    const { mods } = await handle.rpc<{ mods: { name: string }[] }>("module.list", {});
    return mods.map(({ name }) => name).sort();
  },
  async key(handle, word) {
    const { Kvs } = await import("../modules/kvs/client.ts");
    const { entriesOf, isDirectory } = await import("./kvs/listing.ts");
    const directory = word.slice(0, Math.max(0, word.lastIndexOf("."))) || ".";
    const kvs = new Kvs(handle, { namespace: Deno.env.get("FLUX_KVS_NAMESPACE") || "primary" });
    const entries = await entriesOf(kvs, directory, {});
    const keys = entries.map((entry) => entry.key + (isDirectory(entry) ? "." : ""));
    return keys.filter((key) => key.startsWith(word) && PLAIN.test(key)).slice(0, MANY);
  },
};

export default command({
  name: "__complete",
  summary: "Print candidates for completion",
  usage: ["rank|attr|module|key [WORD]"],
  options: {},
  async *run({ args: [kind, word = ""], connect }) {
    const list = kind !== undefined && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
    if (!list || !Deno.env.get("FLUX_URI")) return 1;
    try {
      for (const name of await within(PATIENCE, connect().then((handle) => list(handle, word)))) yield name;
    } catch {
      return 1;
    }
  },
});
