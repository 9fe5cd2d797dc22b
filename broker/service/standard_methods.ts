/** What every module answers without writing code for it, and the broker as the pseudo-module `broker` (wire.md §3.1). */

import { FluxError } from "../message/mod.ts";
import { anyone, integerField, type Method, type Methods, stringField } from "../handle/mod.ts";
import type { Rusage, Who } from "../ports/mod.ts";
import type { Counters } from "../router/mod.ts";
import { pingMethod } from "./ping.ts";
import { rusageMethod } from "./rusage.ts";
import { flatStats, nestedStats } from "./stats.ts";

/** Who answers. */
export interface Subject {
  /** Its route id. */
  readonly id: string;
  readonly rank: number;
  /** Debug flags, kept for whoever reads them. */
  flags: number;
  counters(): Counters;
  rusage(who: Who): Rusage;
  /** Calls one of its own methods, which it may have overridden. */
  call(topic: string): Promise<unknown>;
  /** Begins to end it; undefined for what does not end by itself. */
  shutdown?(): void;
}

/** The methods of one service name. */
export function standardMethods(service: string, subject: Subject): Methods {
  const clear = () => subject.counters().clear();
  const methods: Record<string, Method> = {
    ping: pingMethod(subject.id, subject.rank),
    "stats-get": anyone(() => nestedStats(subject.counters())),
    "stats.get": anyone(() => flatStats(subject.counters())),
    "stats-clear": clear,
    "stats.clear": async () => void await subject.call(`${service}.stats-clear`),
    rusage: rusageMethod((who) => subject.rusage(who)),
    debug: ({ payload }) => {
      subject.flags = changeFlags(subject.flags, stringField(payload, "op"), integerField(payload, "flags"));
      return { flags: subject.flags };
    },
    // A module that has nothing to configure agrees to any configuration.
    "config-reload": () => {},
    "config-update": () => {},
    "config-sync": () => {},
  };
  if (subject.shutdown) methods.shutdown = () => subject.shutdown!();
  return Object.fromEntries(Object.entries(methods).map(([name, method]) => [`${service}.${name}`, method]));
}

/** The events that clear counts, by the service they name: wire.md's and that of the 0.1.0 tools. */
export function clearsStats(service: string, topic: string): boolean {
  return topic === `${service}.stats-clear` || topic === `${service}.stats.clear`;
}

function changeFlags(flags: number, op: string, given: number): number {
  switch (op) {
    case "setbit":
      return flags | given;
    case "clrbit":
      return flags & ~given;
    case "set":
      return given;
    case "clr":
      return 0;
    default:
      throw new FluxError("EPROTO", `"op" must be setbit, clrbit, set or clr, not "${op}"`);
  }
}
