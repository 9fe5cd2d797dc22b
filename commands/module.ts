/** `flux module`: the modules of brokers (cli.md §4.3). */

import { type FluxError, Idset, type JsonObject } from "../broker/message/mod.ts";
import { loadModules, removeModules } from "../modules/modctl/client.ts";
import { command, CommandError, UsageError } from "./mod.ts";
import { debug, stats, trace } from "./module_inspect.ts";
import { complain, listed, together } from "./module_ranks.ts";
import { askRanks, manyRanks, type RankAnswer, RANKS } from "./ranks.ts";
import { type ModuleRow, moduleRow, moduleTitle } from "./render/module_list.ts";

const OPTIONS = {
  direct: { short: "d", type: "flag", help: "Name the request and the rank in errors" },
  fanout: { short: "f", type: "integer", arg: "N", min: 1, help: "Accepted for older scripts; has no effect" },
  ...RANKS,
} as const;

const NOT_FOUND = "module not found in search path";

const list = command({
  name: "list",
  summary: "List modules, with the ranks that have them",
  usage: ["[OPTIONS] [SERVICE]"],
  options: { ...OPTIONS, long: { short: "l", type: "flag", help: "Show status, file and services too" } },
  json: "array",
  async *run({ opts, args, json, connect, warn }): AsyncGenerator<ModuleRow | string, number> {
    if (args.length > 1) throw new UsageError("list accepts one service");
    const service = args[0] ?? "cmb";
    const { rows, failures } = await listed(await connect(), service, opts.rank, opts.direct);
    for (const { ranks, text } of failures) warn(`${service}.lsmod[${ranks}]: ${text}`);
    if (!json && rows.length > 0) yield moduleTitle(opts.long);
    for (const row of rows) yield json ? row : { ...row, ranks: Idset.parse(row.ranks).toNodeset() };
    return failures.length > 0 ? 1 : 0;
  },
  human: (row, { long }) => typeof row === "string" ? row : moduleRow(row, long),
});

const info = command({
  name: "info",
  summary: "Show where a module comes from",
  usage: ["[OPTIONS] NAME|PATH"],
  options: OPTIONS,
  async *run({ opts, args, connect }) {
    const [word, extra] = args;
    if (word === undefined || extra !== undefined) throw new UsageError("info needs one NAME or PATH");
    for await (
      const { payload, error } of askRanks(await connect(), "module.info", { path: wholePath(word) }, opts.rank)
    ) {
      if (error) throw new CommandError(loadText(word, error), { cause: error });
      yield payload!;
      return;
    }
  },
  human: ({ name, path, digest, size }: JsonObject) =>
    [`Module name:  ${name}`, `Module path:  ${path}`, `SHA1 Digest:  ${digest}`, `Size:         ${size} bytes`].join(
      "\n",
    ),
});

const load = command({
  name: "load",
  summary: "Load a module",
  usage: ["[OPTIONS] NAME|PATH [ARGS...]"],
  complete: "module",
  options: { ...OPTIONS, name: { type: "string", arg: "NAME", help: "Load it under another name" } },
  async run({ opts, args: [word, ...args], connect, warn }) {
    if (word === undefined) throw new UsageError("load needs a NAME or PATH");
    const request = { path: wholePath(word), args, ...(opts.name !== undefined && { name: opts.name }) };
    const handle = await connect();
    const ranks = manyRanks(opts.rank);
    if (ranks !== undefined && !opts.direct) {
      const undone = (ranks: string) => `${ranks} removed it again`;
      const failed = (error: FluxError) => loadText(word, error);
      return await together(() => loadModules(handle, { ranks, ...request }), opts.rank!, warn, failed, undone);
    }
    const answers = await Array.fromAsync(
      askRanks(handle, opts.direct ? "cmb.insmod" : "module.load", request, opts.rank),
    );
    complain(answers, warn, (error, rank) => {
      if (!opts.direct) return loadText(word, error);
      const text = error.code === "EEXIST" ? "module/service name already in use" : error.message;
      return error.message === NOT_FOUND
        ? loadText(word, error)
        : `cmb.insmod[${opts.rank === undefined ? -1 : rank}]: ${text}`;
    });
  },
});

const remove = command({
  name: "remove",
  summary: "Unload a module",
  usage: ["[OPTIONS] NAME"],
  complete: "module",
  options: { ...OPTIONS, cancel: { type: "flag", help: "Do not wait for it to stop" } },
  async run({ opts, args, connect, warn }) {
    const [name, extra] = args;
    if (name === undefined || extra !== undefined) throw new UsageError("remove needs one NAME");
    const handle = await connect();
    const ranks = manyRanks(opts.rank);
    if (ranks !== undefined && !opts.direct) {
      const removed = (ranks: string) => `${ranks} removed it`;
      const failed = (error: FluxError) => `${name}: ${error.message}`;
      const request = { name, cancel: opts.cancel, ranks };
      return await together(() => removeModules(handle, request), opts.rank!, warn, failed, removed);
    }
    if (!opts.direct) {
      const answers = askRanks(handle, "module.remove", { name, cancel: opts.cancel }, opts.rank);
      return complain(await Array.fromAsync(answers), warn, (error) => `${name}: ${error.message}`);
    }
    for await (const { rank, error } of askRanks(handle, "cmb.rmmod", { name }, opts.rank)) {
      if (error) warn(`cmb.rmmod[${rank}]: ${error.message}`);
    }
  },
});

const reload = command({
  name: "reload",
  summary: "Unload a module and load it again",
  usage: ["[OPTIONS] NAME|PATH [ARGS...]"],
  complete: "module",
  options: OPTIONS,
  async run({ opts, args: [word, ...args], connect, warn }) {
    if (word === undefined) throw new UsageError("reload needs a NAME or PATH");
    const handle = await connect();
    const path = wholePath(word);
    const found = await Array.fromAsync(askRanks(handle, "module.info", { path }, opts.rank));
    complain(found, warn, (error) => loadText(word, error));
    const name = String(found[0]?.payload?.name);
    const removed = await Array.fromAsync(askRanks(handle, "module.remove", { name }, opts.rank));
    complain(removed, warn, (error) => `${name}: ${error.message}`);
    const loaded = await Array.fromAsync(
      askRanks(handle, "module.load", { path: sourceOf(path, found[0]!), args }, opts.rank),
    );
    complain(loaded, warn, (error) => loadText(word, error));
  },
});

export default command({
  name: "module",
  summary: "List, load and unload the modules of brokers",
  usage: [],
  options: {},
  subcommands: { list, info, load, remove, rm: remove, reload, stats, debug, trace },
  unknownSubcommand: (name) => `unknown function '${name}'`,
});

/** A path as the broker must see it, whose current directory is another one; a name is left to its search path. */
function wholePath(word: string): string {
  return word.includes("/") && !word.startsWith("/") ? `${Deno.cwd()}/${word}` : word;
}

/** What to load again: a module that came from a file is reloaded from it. */
function sourceOf(word: string, { payload }: RankAnswer): string {
  const path = String(payload?.path);
  return path.startsWith("/") ? path : word;
}

function loadText(word: string, error: FluxError): string {
  if (error.message === NOT_FOUND) return `${word}: not found in module search path`;
  if (error.code === "EEXIST") return `${word}: module/service name already in use`;
  return error.message.startsWith(word) || error.message.startsWith("/") ? error.message : `${word}: ${error.message}`;
}
