/** `flux kvs put`: several keys in one commit. */

import type { TreeObject } from "../../modules/kvs/tree/treeobj.ts";
import type { Transaction } from "../../modules/kvs/client.ts";
import { command, CommandError, type ParsedOptions, UsageError } from "../mod.ts";
import { openKvs } from "./access.ts";
import { commit, reply, steps } from "./commit.ts";
import { COMMIT } from "./options.ts";
import { valueText } from "./value.ts";

const OPTIONS = {
  ...COMMIT,
  raw: { short: "r", type: "flag", help: "Store the words as they are; - stands for standard input" },
  treeobj: { short: "t", type: "flag", help: "The values are tree objects; - stands for standard input" },
  append: { short: "A", type: "flag", help: "Add the words, as they are, to what the keys have" },
} as const;

export const put = command({
  name: "put",
  summary: "Store values under keys, all in one commit",
  usage: ["[OPTIONS] KEY=VALUE..."],
  complete: "key",
  options: OPTIONS,
  async *run({ opts, args, connect }) {
    if (args.length === 0) throw new UsageError("put: specify one or more key=value pairs");
    if (opts.treeobj && (opts.raw || opts.append)) {
      throw new UsageError("put: --treeobj excludes --raw and --append");
    }
    const pairs = args.map(readPair);
    const fromInput = (value: string) => (opts.raw || opts.treeobj) && value === "-";
    const reading = pairs.filter(({ value }) => fromInput(value)).length;
    if (reading > 1) throw new UsageError("put: standard input can be one value only");
    const input = reading > 0 ? await new Response(Deno.stdin.readable).bytes() : undefined;
    const kvs = await openKvs({ connect, opts });
    const transaction = kvs.transaction();
    steps(pairs, ({ key }) => key, ({ key, value }) => {
      add(transaction, key, fromInput(value) ? input! : value, opts);
    });
    yield await commit(transaction, pairs.map(({ key }) => key), opts);
  },
  human: (answer, opts) => reply(answer, opts),
});

function readPair(word: string): { key: string; value: string } {
  const equals = word.indexOf("=");
  if (equals < 0) throw new UsageError("put: you must specify a value as key=value");
  return { key: word.slice(0, equals), value: word.slice(equals + 1) };
}

function add(
  transaction: Transaction,
  key: string,
  value: string | Uint8Array,
  { raw, treeobj, append }: ParsedOptions<typeof OPTIONS>,
): void {
  const bytes = () => typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (treeobj) transaction.putTreeObject(key, readTreeObject(key, value));
  else if (append) transaction.append(key, bytes());
  else if (raw) transaction.putBytes(key, bytes());
  else transaction.putText(key, valueText(value as string));
}

function readTreeObject(key: string, value: string | Uint8Array): TreeObject {
  try {
    return JSON.parse(typeof value === "string" ? value : new TextDecoder().decode(value));
  } catch {
    throw new CommandError(`${key}: the value is not a tree object`, {
      hint: "give what 'flux kvs get --treeobj' prints",
    });
  }
}
