/** The attributes a broker starts with: what it is, where it is reached, what it was told (wire.md §3.2). */

import { formatHostlist } from "../message/mod.ts";
import { mappingOf } from "./mapping.ts";
import type { BrokerParts } from "./native.ts";

/** Values nobody has set. Durations are as people write them. */
const DEFAULTS: Readonly<Record<string, string>> = {
  "broker.boot-method": "single",
  "broker.critical-ranks": "0",
  "broker.quorum-warn": "1s",
  "content.hash": "sha1",
  "instance-level": "0",
  "jobid-path": "/",
  "log-critical-level": "2",
  "log-forward-level": "6",
  "log-level": "6",
  "log-ring-size": "1024",
  "log-stderr-level": "3",
  "log-stderr-mode": "leader",
};

/** Fills the table: what others registered before stays, what the command line says wins over defaults. Throws as `configure`. */
export function registerAttributes(broker: BrokerParts): void {
  const { options, attributes, topology, tree, ports } = broker;
  const { rank, size, arity, rundir } = options;
  for (const [name, value] of Object.entries(options.attributes)) attributes.configure(name, value);
  const standing: Record<string, string | undefined | (() => string | undefined)> = {
    ...DEFAULTS,
    rank: `${rank}`,
    size: `${size}`,
    version: options.version,
    rundir,
    hostname: options.hostname,
    hostlist: () => formatHostlist(broker.hosts),
    "security.owner": `${options.userid}`,
    "local-uri": `local://${rundir}/local-${rank}`,
    "parent-uri": undefined,
    "broker.mapping": () => mappingOf(broker.hosts),
    "broker.pid": `${options.pid}`,
    "broker.quorum": `${size}`,
    "broker.starttime": (ports.clock.wall() / 1000).toFixed(2),
    "broker.uuid": broker.uuid,
    "tbon.topo": `kary:${arity}`,
    "tbon.level": `${topology.level(rank)}`,
    "tbon.maxlevel": `${topology.maxLevel}`,
    "tbon.descendants": `${topology.subtree(rank).size - 1}`,
    "tbon.endpoint": () => tree.endpoint || undefined,
    "tbon.parent-endpoint": () => tree.parent?.uri,
    "session-id": rundir.slice(rundir.lastIndexOf("/") + 1).replace(/^flux-/, ""),
    "tbon-arity": `${arity}`,
    ...options.facts,
  };
  for (const [name, value] of Object.entries(standing)) {
    if (!attributes.has(name)) attributes.register(name, { value });
  }
  for (const name of ["session-id", "tbon-arity"]) {
    attributes.register(name, { value: attributes.get(name), immutable: true });
  }
}
