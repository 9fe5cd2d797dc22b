/** What rank 0 answers as the writer of all roots (wire.md §3.14), and what the other ranks send it. */

import { integerField, type Methods, type Request, stringField, user } from "../../../broker/handle/mod.ts";
import { decodeJson, FluxError, isBlobref, unpack } from "../../../broker/message/mod.ts";
import type { Clock } from "../../../broker/ports/mod.ts";
import { Answers } from "./answers.ts";
import type { Collector } from "./collector.ts";
import type { Content } from "../content.ts";
import type { Master } from "./master.ts";
import { PRIMARY, type Root } from "../protocol.ts";
import type { RelayHead } from "../branch/relay.ts";
import { readCommit, readNewNamespace } from "../requests.ts";
import type { Roots } from "../roots.ts";
import type { Stats } from "../stats.ts";
import { timed } from "../timing.ts";
import type { Versions } from "./versions.ts";

export interface RootParts {
  readonly master: Master;
  readonly collector: Collector;
  readonly versions: Versions;
  readonly content: Pick<Content, "roots">;
  readonly roots: Roots;
  readonly stats: Stats;
  readonly clock: Clock;
}

export function rootMethods({ master, collector, versions, content, roots, stats, clock }: RootParts): Methods {
  const answers = new Answers<Root>();
  return {
    "kvs.commit": user(({ message, userid, rolemask }) => {
      const answer = master.commit({ ...readCommit(message.payload), userid, rolemask });
      return timed(clock, () => stats.commits, answer);
    }),
    "kvs.relay": ({ message }) => {
      const { head, payload } = readRelayed(message.payload);
      const { userid, rolemask, name } = head;
      return answers.once(head, async () => {
        const commit = readCommit(payload);
        const reply = await master.commit({ ...commit, userid, rolemask, name });
        const root = roots.get(commit.namespace) ?? { namespace: commit.namespace, owner: -1, flags: 0 };
        return { ...root, ...reply };
      });
    },
    // What `kvs` on another rank asks for, to read at it. Throws ENOTSUP.
    "kvs.hold": ({ payload }) => {
      const root = roots.get(stringField(payload, "namespace"));
      if (!root) throw new FluxError("ENOTSUP");
      versions.hold(root.rootref);
      return root;
    },
    "kvs.namespace-create": (request) => master.create(readNew(request)),
    "kvs.namespace-remove": ({ payload }) => master.remove(stringField(payload, "namespace")),
    "kvs.namespace-list": () => ({ namespaces: listed(roots) }),
    "kvs.gc": () => collector.collect(),
    // The content service attached a store that has roots of its own.
    "kvs.adopt": async () => await adoptAll(master, content),
  };
}

/** Takes the stored roots in, the primary namespace first. */
export async function adoptAll(master: Master, content: Pick<Content, "roots">): Promise<void> {
  const stored = Object.entries(await content.roots());
  const primaryFirst = stored.sort(([a], [b]) => Number(b === PRIMARY) - Number(a === PRIMARY));
  for (const [namespace, { rootref, rootseq, owner, flags }] of primaryFirst) {
    master.adopt({ namespace, rootref, rootseq, owner, flags });
  }
}

function listed(roots: Roots): object[] {
  return roots.all.map(({ namespace, owner, flags }) => ({ namespace, owner, flags }));
}

/** The first version of a new namespace. */
function readNew({ payload, userid }: Request): Root {
  const rootref = stringField(payload, "rootref");
  if (!isBlobref(rootref)) throw new FluxError("EINVAL", `"rootref" must be a blobref`);
  const owner = integerField(payload, "owner");
  const flags = integerField(payload, "flags");
  return { namespace: readNewNamespace(payload), rootref, rootseq: 0, owner: owner === -1 ? userid : owner, flags };
}

function readRelayed(parcel: Uint8Array | undefined): { head: RelayHead; payload: Uint8Array } {
  const [bytes, payload] = unpack(parcel ?? new Uint8Array(0));
  const fields = decodeJson(bytes);
  if (!payload) throw new FluxError("EPROTO", "a relayed commit needs its head and the commit");
  const head = {
    instance: stringField(fields, "instance"),
    number: integerField(fields, "number"),
    low: integerField(fields, "low"),
    name: stringField(fields, "name"),
    userid: integerField(fields, "userid"),
    rolemask: integerField(fields, "rolemask"),
  };
  return { head, payload };
}
