/** What tests of `kvs` over several brokers share. */

import { Kvs } from "../../modules/kvs/client.ts";
import { type SimSession, simSession, type SimSessionOptions } from "./session.ts";

/** A session whose ranks run `content` and `kvs`, unless told otherwise. */
export const session = (options: SimSessionOptions) => simSession({ modules: ["content", "kvs"], ...options });

/** A new client of one rank. */
export const kvsAt = (sim: SimSession, rank: number, namespace?: string) =>
  new Kvs(sim.handle(rank), namespace === undefined ? {} : { namespace });

export const put = (kvs: Kvs, key: string, value: number) => kvs.transaction().put(key, value).commit();

export const ranksOf = ({ size }: SimSession) => Array.from({ length: size }, (_, rank) => rank);
