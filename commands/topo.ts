/** `flux topo`: the tree of brokers as a graph (cli.md §4.5). */

import { type LiveStatus, liveStatus, type StateName } from "./live_status.ts";
import { command, CommandError, UsageError } from "./mod.ts";
import { treeLines } from "./overlay_tree.ts";
import { type Shape, treeSvg } from "./render/tree_svg.ts";

export const COLORS: Readonly<Record<StateName, string>> = {
  ok: "green",
  slow: "yellow",
  fail: "red",
  unknown: "gray",
};

export default command({
  name: "topo",
  summary: "Print the tree of brokers as a graph",
  usage: ["[OPTIONS]"],
  options: {
    hosts: { short: "H", type: "flag", help: "Label brokers with their hosts" },
    verbose: { short: "v", type: "flag", help: "Label brokers with their hosts, and the reason where one is not ok" },
    tree: { type: "flag", help: "Print a tree of text" },
    svg: { type: "flag", help: "Print a picture in SVG" },
  },
  async *run({ opts, args, connect }) {
    if (args.length > 0) throw new UsageError("no arguments are needed");
    if (opts.tree && opts.svg) throw new UsageError("--tree and --svg are two forms: use one of them");
    const status = await liveStatus(await connect());
    if (!status) {
      throw new CommandError("'live' comms module not loaded, cannot determine topology", {
        hint: "flux module load -r all live",
      });
    }
    yield status;
  },
  human(status, opts) {
    const isNamed = opts.hosts || opts.verbose;
    const name = (one: Rank) => isNamed && one.host ? `${one.rank} ${one.host}` : `${one.rank}`;
    const label = (one: Rank) => opts.verbose ? name(one) + remark(one, true) : name(one);
    if (opts.svg) return treeSvg(forest(status.ranks, label));
    if (!opts.tree) return dot(status.ranks, label, isNamed);
    const shapes = forest(status.ranks, (one) => name(one) + remark(one, opts.verbose));
    return shapes.flatMap((top) => treeLines(top, ({ text }) => text)).join("\n");
  },
});

type Rank = LiveStatus["ranks"][number];

/** What is to be said of one that is not ok. */
function remark({ state, reason }: Rank, verbose: boolean): string {
  if (state === "ok") return "";
  return verbose && reason ? ` (${state}: ${reason})` : ` (${state})`;
}

/** It is in the tree, under a parent. */
function hasParent({ rank, parent, state }: Rank): boolean {
  return rank !== 0 && parent >= 0 && (state === "ok" || state === "slow");
}

function dot(ranks: readonly Rank[], label: (one: Rank) => string, hosts: boolean): string {
  const nodes = ranks.map((one) => {
    const name = hosts ? `,label=${JSON.stringify(label(one))}` : "";
    return `${one.rank} [style=filled,fillcolor=${COLORS[one.state]}${name}]`;
  });
  const edges = ranks.filter(hasParent).map(({ rank, parent }) => `${parent} -- ${rank}`);
  return ["graph flux {", ...nodes, ...edges, "}"].join("\n");
}

/** The tree under rank 0 first, then every rank that is in no tree. */
function forest(ranks: readonly Rank[], label: (one: Rank) => string): Shape[] {
  const shapes = ranks.map((one) => ({
    text: label(one),
    state: one.state,
    color: COLORS[one.state],
    children: [] as Shape[],
  }));
  for (const one of ranks) if (hasParent(one)) shapes[one.parent]!.children.push(shapes[one.rank]!);
  return shapes.filter((_, rank) => !hasParent(ranks[rank]!));
}
