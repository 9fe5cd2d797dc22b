/** `flux kvs copy` and `move`: entries of any kind under other keys; a directory is copied by its reference. */

import { Kvs } from "../../modules/kvs/client.ts";
import { normalize } from "../../modules/kvs/tree/key.ts";
import { KvsFlag } from "../../modules/kvs/protocol.ts";
import { command, CommandError, type Context, UsageError } from "../mod.ts";
import { about, keyError, namespaceOf } from "./access.ts";
import { NAMESPACE } from "./options.ts";

const OPTIONS = {
  ...NAMESPACE,
  "src-namespace": { short: "S", type: "string", arg: "NS", help: "Namespace of SOURCE, if it is another one" },
  "dst-namespace": { short: "D", type: "string", arg: "NS", help: "Namespace of DESTINATION, if it is another one" },
} as const;

export const copy = command({
  name: "copy",
  summary: "Copy a key or a directory",
  usage: ["[OPTIONS] SOURCE DESTINATION"],
  complete: "key",
  options: OPTIONS,
  run: (context) => transfer("copy", context),
});

export const move = command({
  name: "move",
  summary: "Move a key or a directory",
  usage: ["[OPTIONS] SOURCE DESTINATION"],
  complete: "key",
  options: OPTIONS,
  run: (context) => transfer("move", context),
});

async function transfer(name: "copy" | "move", { opts, args, connect }: Context<typeof OPTIONS>): Promise<void> {
  const [source, destination, extra] = args;
  if (source === undefined || destination === undefined || extra !== undefined) {
    throw new UsageError(`${name}: specify source and destination`);
  }
  const own = namespaceOf(opts);
  const [from, to] = [opts["src-namespace"] ?? own, opts["dst-namespace"] ?? own];
  if (name === "move" && from === to) refuseInside(source, destination);
  const flux = await connect();
  const object = await about(source, new Kvs(flux, { namespace: from }).lookup(source, KvsFlag.treeobj));
  const there = new Kvs(flux, { namespace: to }).transaction();
  try {
    there.putTreeObject(destination, object);
    // Within a namespace both steps are one commit: nobody sees the entry twice, or not at all.
    if (name === "move" && from === to) there.unlink(source);
    await there.commit();
  } catch (error) {
    throw keyError(destination, error);
  }
  if (name === "move" && from !== to) {
    await about(source, new Kvs(flux, { namespace: from }).transaction().unlink(source).commit());
  }
}

/** Throws CommandError for a move that would remove what it has just written. */
function refuseInside(source: string, destination: string): void {
  const [from, to] = [normalize(source), normalize(destination)];
  if (from === to) throw new CommandError(`${source}: source and destination are the same`);
  if (to.startsWith(`${from}.`)) throw new CommandError(`${source}: cannot be moved into itself, ${destination}`);
}
