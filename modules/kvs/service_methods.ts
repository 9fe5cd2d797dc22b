/** Figures of the service, and dropping its cache: under the names of wire.md §3.1 and of the 0.1.0 tools (services.md §5.2). */

import { anyone, type Methods } from "../../broker/handle/mod.ts";
import { real } from "../../broker/message/mod.ts";
import type { Collector } from "./root/collector.ts";
import type { Content } from "./content.ts";
import { PRIMARY } from "./protocol.ts";
import type { Reader } from "./reader.ts";
import type { Roots } from "./roots.ts";
import { type Stats, Tally } from "./stats.ts";

export interface ServiceParts {
  readonly roots: Roots;
  readonly reader: Reader;
  readonly stats: Stats;
  readonly content: Pick<Content, "dropCache">;
  /** At rank 0. */
  readonly collector?: Collector;
  /** Commits that are not answered yet. */
  pending(): number;
  /** Watches that are open, and fences that wait for more. */
  watchers(): Promise<number>;
  fences(): number;
  log(text: string): void;
}

export function serviceMethods(parts: ServiceParts): Methods {
  return {
    "kvs.stats-get": anyone(() => figures(parts)),
    "kvs.stats.get": anyone(() => flat(parts)),
    "kvs.stats-clear": () => {
      parts.stats.clear();
      parts.reader.clearStats();
    },
    "kvs.dropcache": () => dropCache(parts),
  };
}

/** Drops what is decoded here, and what the content service of this rank need not keep. */
export async function dropCache({ reader: { objects }, content, log }: ServiceParts): Promise<void> {
  const { count } = objects;
  objects.clear();
  await content.dropCache();
  log(`dropped ${count} of ${count} cache entries`);
}

async function figures(parts: ServiceParts): Promise<object> {
  const { roots, reader: { objects, faults }, stats, collector, pending, watchers, fences } = parts;
  return {
    cache: { count: objects.count, bytes: objects.bytes, faults },
    namespaces: Object.fromEntries(
      roots.all.map(({ namespace, owner, rootseq, rootref }) => [namespace, { owner, rootseq, rootref }]),
    ),
    pending: { commits: pending(), fences: fences(), watchers: await watchers() },
    gets: stats.gets,
    commits: stats.commits,
    merged: stats.merged,
    ...(collector && { gc: collector.stats }),
  };
}

async function flat(parts: ServiceParts): Promise<object> {
  const { roots, reader: { objects, faults }, stats, pending, watchers, fences } = parts;
  const sizes = new Tally();
  for (const bytes of objects.sizes) sizes.add(bytes / 1024);
  return {
    "obj size total (MiB)": real(objects.bytes / (1 << 20)),
    "obj size (KiB)": sizes,
    "#obj dirty": 0,
    "#obj incomplete": 0,
    "#pending commits": pending(),
    "#pending fences": fences(),
    "#watchers": await watchers(),
    "gets (sec)": stats.gets,
    "puts (sec)": stats.puts,
    "commits (sec)": stats.commits,
    "fences after sync (sec)": stats.fences,
    "commits per update": stats.merged,
    "#no-op stores": stats.unchanged,
    "#faults": faults,
    "store revision": roots.get(PRIMARY)?.rootseq ?? 0,
  };
}
