/** What a rank is told when it starts, and what it needs of its broker and of the world. */

import type { Card, Idset } from "../message/mod.ts";
import type { Clock, KeyPair, Random, Security, Spawner, Transport } from "../ports/mod.ts";
import type { Endpoints } from "./bootstrap_config.ts";
import type { Ending } from "./control.ts";
import type { Shape } from "./exchange.ts";
import type { BootMethod } from "./method.ts";
import type { SessionKey } from "./wire_up.ts";

/** What this needs of a broker. `Broker` is one. */
export interface RankBroker {
  listen(endpoints: Endpoints, reached?: Endpoints): Card;
  start(
    parent: Card | null,
    right: Card | null,
    above?: readonly Card[],
    hosts?: readonly string[],
  ): Promise<void>;
  shutdown(exitCode: number, reason: string): Promise<void>;
  /** Resolves when it begins to end, for whatever reason. */
  readonly ending: Promise<Ending>;
  readonly exited: Promise<number>;
  readonly online: Idset;
  /** Its route id. */
  readonly uuid: string;
  readonly returns: { announce(card: Card, uuid: string): void };
  readonly machine: { when(state: "quorum"): Promise<void> };
  readonly launcher: {
    adopt(argv: readonly string[], pid: number, label: string, run: Adopted, ended: Promise<unknown>): void;
  };
  log(level: "info" | "warning" | "err", text: string): void;
}

/** What the list of processes needs of one that is looked after here. */
export interface Adopted {
  handle(): void;
  signal(number: number): void;
}

export interface RankOptions {
  readonly method: BootMethod;
  /** What this host is called. */
  readonly hostname: string;
  /** Which of this host's addresses others are given; see addresses.ts. */
  readonly interfaceHint: string | undefined;
  /** Where the sockets go; made, and removed at the end, when it is not given. */
  readonly rundir: string | undefined;
  /** How to start this program: the initial program finds it as `flux`. */
  readonly self: readonly string[];
  /** Words of the initial program; without one the session runs until it is told to end. */
  readonly program: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly shape: Shape;
  /** How long coming up may take when nobody else watches over it, ms. */
  readonly timeout: number;
  /** How long the initial program, and in an emergency all else, has to end by itself, ms. */
  readonly patience: number;
  /** Takes a line for standard error. */
  say(line: string): void;
  /** Leaves the line about the initial program out of the log. */
  readonly quiet: boolean;
  /** Keys of this rank's links, if they are to be closed to others. */
  keys(): Promise<KeyPair | undefined>;
  readonly security: Security;
  /** The key that all ranks of the session have; undefined when there is none. */
  userKey(): Promise<SessionKey | undefined>;
  /** What to dial for a node of Slurm. */
  nodeAddress(name: string): Promise<string>;
  /** Makes the broker. */
  broker(parts: BrokerSurroundings): RankBroker;
}

/** What a broker is given by its rank. */
export interface BrokerSurroundings {
  readonly rundir: string;
  readonly keys: KeyPair | undefined;
  /** Whose key it is, if that rank may join. */
  rankOf(publicKey: string): number | undefined;
  /** How many sessions this one is in, when a launcher has told. */
  readonly level: number | undefined;
  /** At rank 0, where somebody can do it: starts another rank anew; resolves when it is up. Throws why it is not. */
  restart?(rank: number): Promise<void>;
}

export interface RankPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly spawner: Spawner;
  /** Of the broker too, which closes it at the end. */
  readonly transport: Transport;
}
