/** The tree of a session as it is: each broker is asked how it and its children are. */

import type { Handle } from "../broker/handle/mod.ts";
import { FluxError, type JsonObject, parseHostlist } from "../broker/message/mod.ts";
import { liveStatus } from "./live_status.ts";

/** A broker may take this long to answer, ms. */
const PATIENCE = 5_000;

/** What one broker says of itself, or its parent of it. */
export interface Standing extends JsonObject {
  rank: number;
  host: string;
  status: string;
  /** Seconds in that status. */
  duration: number;
}

/** One broker, and its children as it sees them, with the reason where there is one. */
export interface Health extends Standing {
  children: (Standing & { error?: string })[];
}

/** A broker with all below it, with the reason where there is one. */
export interface Node extends Standing {
  children: Node[];
}

export type Broker = Node & { error?: string };

/** The names of hosts by rank. */
export async function hostnames(handle: Handle): Promise<(rank: number) => string> {
  const status = await liveStatus(handle);
  const { value } = await handle.rpc<{ value: string }>("attr.get", { name: "hostlist" });
  const listed = parseHostlist(value);
  return (rank) => status?.ranks[rank]?.host || listed[rank] || "?";
}

/** Asks one broker for its health. Throws ETIMEDOUT when it does not answer, EHOSTUNREACH when it is not there. */
export async function readHealth(handle: Handle, rank: number, host: (rank: number) => string): Promise<Health> {
  const { status, duration, children } = await handle.rpc<Health>("overlay.health", undefined, {
    rank,
    timeout: PATIENCE,
  });
  return {
    rank,
    host: host(rank),
    status,
    duration,
    children: children.map(({ rank, status, duration, error }) => ({
      rank,
      host: host(rank),
      status,
      duration,
      ...(error !== undefined && { error }),
    })),
  };
}

/** Reads the subtree of `rank`. A broker that does not answer is shown with the reason. */
export async function readTree(handle: Handle, rank: number, host: (rank: number) => string): Promise<Broker> {
  const health = await readHealth(handle, rank, host);
  const children = await Promise.all(health.children.map(async (child): Promise<Broker> => {
    const known: Broker = { ...child, children: [] };
    if (child.status === "lost" || child.status === "offline") return known;
    try {
      return await readTree(handle, child.rank, host);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return { ...known, error: error.message };
    }
  }));
  return { ...health, children };
}

/** Every broker of a tree, from the top. */
export function* brokers(node: Broker): Generator<Broker, void> {
  yield node;
  for (const child of node.children) yield* brokers(child);
}

/** A tree in lines, each with what `text` says of a broker. */
export function treeLines<T extends { children: readonly T[] }>(node: T, text: (node: T) => string): string[] {
  const below = node.children.flatMap((child, i) => {
    const isLast = i === node.children.length - 1;
    const [first = "", ...others] = treeLines(child, text);
    return [`${isLast ? "└─ " : "├─ "}${first}`, ...others.map((line) => `${isLast ? "   " : "│  "}${line}`)];
  });
  return [text(node), ...below];
}
