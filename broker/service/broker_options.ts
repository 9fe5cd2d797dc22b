/** What one broker is told when it is made: its place, its names, its limits. */

import type { JsonObject } from "../message/mod.ts";
import type { KeyPair } from "../ports/mod.ts";
import type { LogOutput } from "./log_output.ts";

export interface BrokerOptions {
  readonly rank: number;
  readonly size: number;
  /** Fan-out of the tree; 0 is flat. */
  readonly arity: number;
  readonly userid: number;
  readonly hostname: string;
  readonly version: string;
  readonly pid: number;
  /** Directory of this host's sockets. */
  readonly rundir: string;
  /** Keys of this rank's links; none means that links are open to whoever reaches them. */
  readonly keys?: KeyPair | undefined;
  /** The rank whose links this public key may join, as the bootstrap knows; undefined for a stranger. */
  rankOf?(publicKey: string): number | undefined;
  /** Modules to load, in order. */
  readonly modules: readonly { name: string; args: readonly string[] }[];
  /** Attributes set on the command line. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The configuration it begins with; empty unless given. */
  readonly config?: JsonObject;
  /** Attributes that the bootstrap knows: broker.boot-method, broker.mapping, hostlist, parent-uri, session-id … */
  readonly facts?: Readonly<Record<string, string>>;
  /** What programs that are run for others get when they bring no environment of their own; nothing unless given. */
  environment?(): Record<string, string>;
  /** Milliseconds between heartbeats. */
  readonly heartrate: number;
  /** Events kept at most for ranks that missed some; thousands unless given. */
  readonly history?: number | undefined;
  /** Milliseconds the children have to leave at shutdown. */
  readonly grace: number;
  /**
   * At rank 0 of a session whose brokers somebody can start: starts one anew; resolves when it is up. Throws EIO, why it is
   * not.
   */
  restart?(rank: number): Promise<void>;
  /** Takes the log of the session at rank 0, whole lines; standard error unless given. */
  readonly logSink?: LogOutput;
  /** Shows log lines that cannot wait, whole ones; standard error unless given. */
  readonly logAlarm?: LogOutput;
}
