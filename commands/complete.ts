/**
 * `flux __complete KIND`: candidates that only a broker knows, one a line, for the completion scripts. Without a
 * broker, or when it does not answer at once, there are none; it never prints an error, since nobody would see it
 * where it belongs.
 */

import { within } from "./deadline.ts";
import { command } from "./mod.ts";
import type { Handle } from "../broker/handle/mod.ts";

/** Milliseconds a person waits at a TAB for the whole of it. */
const PATIENCE = 500;

const KINDS: Readonly<Record<string, (handle: Handle) => Promise<string[]>>> = {
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
};

export default command({
  name: "__complete",
  summary: "Print candidates for completion",
  usage: ["rank|attr|module"],
  options: {},
  async *run({ args: [kind], connect }) {
    const list = kind !== undefined && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
    if (!list || !Deno.env.get("FLUX_URI")) return 1;
    try {
      for (const name of await within(PATIENCE, connect().then(list))) yield name;
    } catch {
      return 1;
    }
  },
});
