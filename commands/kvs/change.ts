/** `flux kvs unlink`, `link` and `mkdir`: one commit each. */

import { isErrno } from "../../broker/message/mod.ts";
import { normalize } from "../../modules/kvs/tree/key.ts";
import type { Kvs } from "../../modules/kvs/client.ts";
import { KvsFlag } from "../../modules/kvs/protocol.ts";
import { command, UsageError } from "../mod.ts";
import { keyError, openKvs } from "./access.ts";
import { ahead } from "./ahead.ts";
import { commit, reply, steps } from "./commit.ts";
import { COMMIT } from "./options.ts";

export const unlink = command({
  name: "unlink",
  summary: "Remove keys, and directories with all that is in them",
  usage: ["[OPTIONS] KEY..."],
  complete: "key",
  options: {
    ...COMMIT,
    recursive: { short: "R", type: "flag", help: "Accepted for scripts; directories always go as a whole" },
    force: { short: "f", type: "flag", help: "Accepted for scripts; a key that is missing is no error" },
  },
  async *run({ opts, args, connect }) {
    if (args.length === 0) throw new UsageError("unlink: specify one or more keys");
    const transaction = (await openKvs({ connect, opts })).transaction();
    steps(args, (key) => key, (key) => transaction.unlink(key));
    yield await commit(transaction, args, opts);
  },
  human: (answer, opts) => reply(answer, opts),
});

export const link = command({
  name: "link",
  summary: "Make a symbolic link to a key",
  usage: ["[OPTIONS] TARGET LINKNAME"],
  complete: "key",
  options: {
    ...COMMIT,
    "target-namespace": { short: "T", type: "string", arg: "NS", help: "The target is in this namespace" },
  },
  async *run({ opts, args, connect }) {
    const [target, name, extra] = args;
    if (target === undefined || name === undefined || extra !== undefined) {
      throw new UsageError("link: specify target and link_name");
    }
    const transaction = (await openKvs({ connect, opts })).transaction();
    steps([target], (key) => key, normalize);
    steps([name], (key) => key, () => transaction.symlink(name, target, opts["target-namespace"]));
    yield await commit(transaction, [name], opts);
  },
  human: (answer, opts) => reply(answer, opts),
});

export const mkdir = command({
  name: "mkdir",
  summary: "Make empty directories",
  usage: ["[OPTIONS] KEY..."],
  complete: "key",
  options: COMMIT,
  async *run({ opts, args, connect }) {
    if (args.length === 0) throw new UsageError("mkdir: specify one or more directories");
    const kvs = await openKvs({ connect, opts });
    const missing: string[] = [];
    for await (const { key, found } of ahead(args, async (key) => ({ key, found: await isDirectory(kvs, key) }))) {
      if (!found) missing.push(key);
    }
    const transaction = kvs.transaction();
    steps(missing, (key) => key, (key) => transaction.mkdir(key));
    yield missing.length > 0 ? await commit(transaction, missing, opts) : await kvs.root();
  },
  human: (answer, opts) => reply(answer, opts),
});

/** Whether there is one already: making it again would empty it. */
async function isDirectory(kvs: Kvs, key: string): Promise<boolean> {
  try {
    const { type } = await kvs.lookup(key, KvsFlag.treeobj);
    return type === "dirref" || type === "dir";
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return false;
    throw keyError(key, error);
  }
}
