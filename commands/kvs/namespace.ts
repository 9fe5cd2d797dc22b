/** `flux kvs namespace create`, `list` and `remove`. */

import { command, UsageError } from "../mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { PRIMARY } from "../../modules/kvs/protocol.ts";
import { about, keyError, readAt } from "./access.ts";

/** The columns of the list. */
const NAME_CHARS = 36;
const OWNER_CHARS = 10;
const TITLE = `${"NAMESPACE".padEnd(NAME_CHARS)} ${"OWNER".padStart(OWNER_CHARS)}      FLAGS`;

const create = command({
  name: "create",
  summary: "Make namespaces",
  usage: ["[OPTIONS] NAME..."],
  options: {
    owner: { short: "o", type: "integer", arg: "USERID", min: 0, help: "Who may write, besides the session's owner" },
    rootref: { short: "r", type: "string", arg: "ROOTREF", help: "Begin with this version, as getroot prints it" },
  },
  async run({ opts, args, connect }) {
    if (args.length === 0) throw new UsageError("namespace create: specify one or more names");
    const { rootref } = readAt(opts.rootref);
    const { namespaces } = new Kvs(await connect());
    const choice = {
      ...(opts.owner !== undefined && { owner: opts.owner }),
      ...(rootref !== undefined && { rootref }),
    };
    for (const name of args) await about(name, namespaces.create(name, choice));
  },
});

const list = command({
  name: "list",
  summary: "List namespaces with their owners",
  usage: ["[OPTIONS]"],
  options: {},
  json: "array",
  async *run({ args, json, connect }) {
    if (args.length > 0) throw new UsageError("namespace list: takes no arguments");
    const all = await new Kvs(await connect()).namespaces.list();
    if (!json) yield null;
    yield* all;
  },
  human(row) {
    if (row === null) return TITLE;
    const flags = `0x${row.flags.toString(16).toUpperCase().padStart(8, "0")}`;
    return `${row.namespace.padEnd(NAME_CHARS)} ${`${row.owner}`.padStart(OWNER_CHARS)} ${flags}`;
  },
});

const remove = command({
  name: "remove",
  summary: "Remove namespaces with all that is in them",
  usage: ["[OPTIONS] NAME..."],
  options: {},
  async run({ args, connect }) {
    if (args.length === 0) throw new UsageError("namespace remove: specify one or more names");
    const { namespaces } = new Kvs(await connect());
    for (const name of args) {
      await namespaces.remove(name).catch((error) => {
        throw keyError(name, error, name === PRIMARY ? "this namespace is always there" : undefined);
      });
    }
  },
});

export const namespace = command({
  name: "namespace",
  summary: "Make, list and remove namespaces",
  usage: [],
  options: {},
  subcommands: { create, list, remove },
});
