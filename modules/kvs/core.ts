/** What the service has on every rank, and what it has besides on rank 0 or on another. */

import type { Handle, Methods, ModulePorts } from "../../broker/handle/mod.ts";
import { FluxError, NODEID_UPSTREAM } from "../../broker/message/mod.ts";
import { readRoot } from "./client_replies.ts";
import type { Collector } from "./root/collector.ts";
import type { Committer } from "./committer.ts";
import { type Content, contentOf } from "./content.ts";
import { patiently } from "./patience.ts";
import type { Root } from "./protocol.ts";
import { Reader } from "./reader.ts";
import { Roots } from "./roots.ts";
import { cacheSize } from "./settings.ts";
import { Stats } from "./stats.ts";

export interface Core {
  readonly handle: Handle;
  readonly ports: ModulePorts;
  readonly content: Content;
  readonly roots: Roots;
  readonly reader: Reader;
  readonly stats: Stats;
  /** Ends what waits, when the module is unloaded. */
  readonly closing: AbortController;
}

/** Rank 0 writes roots, the others follow. */
export interface Side {
  readonly committer: Committer;
  readonly collector?: Collector;
  readonly methods: Methods;
  /** Commits that are not answered yet. */
  pending(): number;
  /** Answers what was taken in, and takes nothing more. */
  close(): Promise<void>;
}

export function openCore(handle: Handle, ports: ModulePorts): Core {
  const closing = new AbortController();
  const { signal } = closing;
  const content = patientContent(contentOf(handle), ports, signal);
  const { rank, clock } = ports;
  const known = (namespace: string): Root => {
    const root = roots.get(namespace);
    if (!root) throw new FluxError("ENOTSUP");
    return root;
  };
  const question = (topic: string, to: number) => async (namespace: string): Promise<Root> => {
    if (rank === 0) return known(namespace);
    const ask = () => handle.rpc(topic, { namespace, flags: 0 }, { rank: to, signal });
    return readRoot(await patiently(clock, signal, ask));
  };
  const roots: Roots = new Roots({ ask: question("kvs.getroot", NODEID_UPSTREAM), renew: question("kvs.hold", 0) });
  return {
    handle,
    ports,
    content,
    roots,
    reader: new Reader({ content, roots, limit: cacheSize(ports) }),
    stats: new Stats(),
    closing,
  };
}

/** Loads again what could not be had while a rank on the way to rank 0 changed its parent. */
function patientContent(content: Content, { rank, clock }: ModulePorts, signal: AbortSignal): Content {
  if (rank === 0) return content;
  return { ...content, load: (blobref) => patiently(clock, signal, () => content.load(blobref)) };
}
