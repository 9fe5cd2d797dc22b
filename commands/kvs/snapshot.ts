/** `flux kvs snapshot`: a version under a name, kept as a namespace `snapshot-NAME` that begins with it. */

import { Kvs } from "../../modules/kvs/client.ts";
import { command, UsageError } from "../mod.ts";
import { about, openKvs, readAt } from "./access.ts";
import { AT } from "./options.ts";

/** What tells the namespace of a snapshot from others. */
const PREFIX = "snapshot-";

const create = command({
  name: "create",
  summary: "Keep the store as it is now, or was, under a name",
  usage: ["[OPTIONS] NAME"],
  options: AT,
  async run({ opts, args, connect }) {
    const [name, extra] = args;
    if (!name || extra !== undefined) throw new UsageError("snapshot create: specify a name");
    const kvs = await openKvs({ connect, opts });
    const rootref = readAt(opts.at).rootref ?? (await about(name, kvs.root())).rootref;
    await about(name, kvs.namespaces.create(`${PREFIX}${name}`, { rootref }));
  },
});

const list = command({
  name: "list",
  summary: "List snapshots with the versions they hold",
  usage: ["[OPTIONS]"],
  options: {},
  json: "array",
  async *run({ args, connect }) {
    if (args.length > 0) throw new UsageError("snapshot list: takes no arguments");
    const kvs = new Kvs(await connect());
    for (const { namespace } of await kvs.namespaces.list()) {
      if (!namespace.startsWith(PREFIX)) continue;
      yield { name: namespace.slice(PREFIX.length), namespace, rootref: (await kvs.root(namespace)).rootref };
    }
  },
  human: ({ name, rootref }) => `${name} ${rootref}`,
});

const remove = command({
  name: "remove",
  summary: "Give up snapshots",
  usage: ["[OPTIONS] NAME..."],
  options: {},
  async run({ args, connect }) {
    if (args.length === 0) throw new UsageError("snapshot remove: specify one or more names");
    const { namespaces } = new Kvs(await connect());
    for (const name of args) await about(name, namespaces.remove(`${PREFIX}${name}`));
  },
});

export const snapshot = command({
  name: "snapshot",
  summary: "Keep versions of the store under names",
  usage: [],
  options: {},
  subcommands: { create, list, remove },
});
