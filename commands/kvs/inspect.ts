/** `flux kvs readlink`, `exists` and `type`: what there is under keys. */

import { FluxError, isErrno, strerror } from "../../broker/message/mod.ts";
import { command, UsageError } from "../mod.ts";
import { about, openKvs, readAt } from "./access.ts";
import { ahead } from "./ahead.ts";
import { AT } from "./options.ts";
import { typeOf } from "./value.ts";

export const readlink = command({
  name: "readlink",
  summary: "Print where symbolic links point",
  usage: ["[OPTIONS] KEY..."],
  complete: "key",
  options: {
    ...AT,
    "namespace-only": { short: "o", type: "flag", help: "Print only the namespaces of the targets" },
    "key-only": { short: "k", type: "flag", help: "Print the targets without their namespaces" },
  },
  async *run({ opts, args, connect }) {
    if (args.length === 0) throw new UsageError("readlink: specify one or more keys");
    if (opts["namespace-only"] && opts["key-only"]) {
      throw new UsageError("readlink: --namespace-only and --key-only exclude each other");
    }
    const kvs = await openKvs({ connect, opts });
    const at = readAt(opts.at);
    const links = ahead(args, async (key) => ({ key, ...await about(key, kvs.readlink(key, at).catch(notALink)) }));
    for await (const link of links) yield link;
  },
  human({ target, namespace }: { target: string; namespace?: string }, opts): string | null {
    if (opts["namespace-only"]) return namespace ?? null;
    return opts["key-only"] || namespace === undefined ? target : `${namespace}::${target}`;
  },
});

/** For a key of another kind the older text is the system's. */
function notALink(error: unknown): never {
  throw isErrno(error, "EINVAL") ? new FluxError("EINVAL", strerror(error.errnum), { cause: error }) : error;
}

export const exists = command({
  name: "exists",
  summary: "Tell by the exit status whether all of these keys exist",
  usage: ["[OPTIONS] KEY..."],
  complete: "key",
  options: AT,
  async run({ opts, args, connect }) {
    if (args.length === 0) throw new UsageError("exist: specify one or more keys");
    const kvs = await openKvs({ connect, opts });
    const at = readAt(opts.at);
    for await (const found of ahead(args, (key) => about(key, kvs.exists(key, at)))) if (!found) return 1;
    return 0;
  },
});

export const type = command({
  name: "type",
  summary: "Print the types of values",
  usage: ["[OPTIONS] KEY..."],
  complete: "key",
  options: AT,
  async *run({ opts, args, connect }) {
    if (args.length === 0) throw new UsageError("type: specify one or more keys");
    const kvs = await openKvs({ connect, opts });
    const at = readAt(opts.at);
    const types = ahead(args, async (key) => ({ key, type: typeOf(await about(key, kvs.getBytes(key, at))) }));
    for await (const one of types) yield one;
  },
  human: ({ type }) => type,
});
