/** `flux kvs version`, `wait` and `getroot`: the version of a namespace. */

import { dirref } from "../../modules/kvs/tree/treeobj.ts";
import { within } from "../deadline.ts";
import { command, UsageError } from "../mod.ts";
import { about, late, namespaceOf, openKvs } from "./access.ts";
import { NAMESPACE } from "./options.ts";
import { treeobjText } from "./value.ts";

export const version = command({
  name: "version",
  summary: "Print the number of the version of the store",
  usage: ["[OPTIONS]"],
  options: NAMESPACE,
  async *run({ opts, args, connect }) {
    if (args.length > 0) throw new UsageError("version: takes no arguments");
    const kvs = await openKvs({ connect, opts });
    yield { version: (await about(namespaceOf(opts), kvs.root())).rootseq };
  },
  human: ({ version }) => `${version}`,
});

export const wait = command({
  name: "wait",
  summary: "Wait until the store has reached a version",
  usage: ["[OPTIONS] VERSION"],
  signal: true,
  options: {
    ...NAMESPACE,
    timeout: { short: "t", type: "number", arg: "SECONDS", min: 0, help: "Give up after this time" },
  },
  async run({ opts, args, connect, signal }) {
    const [word, extra] = args;
    const version = word !== undefined && /^\d+$/.test(word) ? Number(word) : NaN;
    if (!Number.isSafeInteger(version) || extra !== undefined) throw new UsageError("wait: specify a version");
    const kvs = await openKvs({ connect, opts });
    const reached = about(namespaceOf(opts), kvs.waitVersion(version, { signal }));
    const { timeout } = opts;
    if (timeout === undefined) return void await reached;
    await within(timeout * 1000, reached).catch((error) => {
      throw late(error, `version ${version} was not reached within ${timeout} s`);
    });
  },
});

export const getroot = command({
  name: "getroot",
  summary: "Print the version of the store, for --at",
  usage: ["[OPTIONS]"],
  options: {
    ...NAMESPACE,
    sequence: { short: "s", type: "flag", help: "Print its number" },
    owner: { short: "o", type: "flag", help: "Print the userid of the namespace's owner" },
    blobref: { short: "b", type: "flag", help: "Print the blobref of its root directory" },
  },
  async *run({ opts, args, connect }) {
    if (args.length > 0) throw new UsageError("getroot: takes no arguments");
    if (Number(opts.sequence) + Number(opts.owner) + Number(opts.blobref) > 1) {
      throw new UsageError("getroot: --sequence, --owner and --blobref exclude each other");
    }
    const kvs = await openKvs({ connect, opts });
    yield await about(namespaceOf(opts), kvs.root());
  },
  human({ rootref, rootseq, owner }, opts) {
    if (opts.sequence) return `${rootseq}`;
    if (opts.owner) return `${owner}`;
    return opts.blobref ? rootref : treeobjText(dirref(rootref));
  },
});
