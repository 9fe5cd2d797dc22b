/** `overlay.*`: the tree as this broker sees it (wire.md §3.9). */

import { FluxError, Idset, type JsonObject, real } from "../message/mod.ts";
import { anyone, integerField, type Methods, optionalString, user } from "../handle/mod.ts";
import type { ChildHealth } from "./health.ts";
import type { BrokerParts } from "./native.ts";
import { watched } from "./watched.ts";

/** A child is asked this long for its own subtree, ms; then the topology must do. */
const PATIENCE = 5_000;

export function overlayService(broker: BrokerParts): Methods {
  const { health, tree, options: { rank } } = broker;
  const describe = () => health.describe(rank, real);
  return {
    "overlay.health": user((request) =>
      !request.isStreaming ? describe() : watched(request, (push: (item: object) => void) => {
        push(describe());
        return health.watch(() => push(describe()));
      })
    ),
    "overlay.topology": user(({ payload }) => topology(broker, integerField(payload, "rank"))),
    "overlay.monitor": (request) =>
      watched(request, (push: (item: object) => void) => {
        for (const child of health.children) if (child.status !== "offline") push(monitored(child));
        return health.watch((child) => push(monitored(child)));
      }),
    "overlay.stats-get": anyone(() => stats(broker)),
    "overlay.disconnect-subtree": ({ payload }) => {
      tree.dismiss(integerField(payload, "rank"), "disconnected by request");
    },
    "overlay.disconnect-parent": ({ payload }) => {
      tree.disconnectParent(optionalString(payload, "reason") ?? "disconnected by request");
    },
  };
}

function monitored({ rank, status, torpid = false }: ChildHealth): object {
  return { rank, status, torpid };
}

function stats({ tree, router, topology, options: { rank } }: BrokerParts): object {
  const { children, parent } = tree;
  return {
    "child-count": topology.children(rank).length,
    "child-connected": children.length,
    "parent-count": parent ? 1 : 0,
    "parent-rpc": parent ? router.pending(parent.id) : 0,
    "child-rpc": children.reduce((sum, { id }) => sum + router.pending(id), 0),
    interthread: { sendq: 0, recvq: 0 },
  };
}

interface Subtree extends JsonObject {
  rank: number;
  size: number;
  children: Subtree[];
}

/** The subtree of this broker, or of a child: each broker on the way says what is below it, since ranks may have moved. */
async function topology(broker: BrokerParts, rank: number): Promise<Subtree> {
  const { health, options } = broker;
  const children = health.children.map((child) => child.rank);
  if (rank !== options.rank && !children.includes(rank)) {
    throw new FluxError("ENOENT", "requested rank is not this broker or its direct child");
  }
  if (rank !== options.rank) return await childTopology(broker, rank);
  return subtree(rank, await Promise.all(children.map((child) => childTopology(broker, child))));
}

async function childTopology(broker: BrokerParts, rank: number): Promise<Subtree> {
  const { handle, topology, tree } = broker;
  const isHere = tree.children.some((child) => child.rank === rank);
  try {
    if (isHere) return await handle.rpc<Subtree>("overlay.topology", { rank }, { rank, timeout: PATIENCE });
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
  }
  const elsewhere = isHere ? new Idset() : tree.ranks;
  const planned = (at: number): Subtree =>
    subtree(at, topology.children(at).filter((child) => !elsewhere.has(child)).map(planned));
  return planned(rank);
}

function subtree(rank: number, children: Subtree[]): Subtree {
  return { rank, size: children.reduce((sum, child) => sum + child.size, 1), children };
}
