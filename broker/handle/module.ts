/** What a comms module is, and what it is given. Built-in and external modules have the same shape. */

import type { FluxError } from "../message/mod.ts";
import type { Channel } from "./channel.ts";
import type { Handle } from "./handle.ts";
import type { Clock, ContentStores, Files, Random, Spawner } from "../ports/mod.ts";
import type { Tasks } from "./tasks.ts";

/** Whom a channel into the broker speaks for: route id and credentials. */
export interface Owner {
  readonly id: string;
  readonly userid: number;
  readonly rolemask: number;
  /** Bytes on their way out that were not taken yet, for one whose messages go on to somewhere else. */
  backlog?(): number;
}

/** An attribute a module stands behind. */
export interface ModuleAttribute {
  /** Reads it; undefined while it is unset. */
  value(): string | undefined;
  /** Changes it; throws FluxError to refuse a value. Without it the attribute cannot be set. */
  update?(value: string): void;
}

/** The doors a module may use, and what it may know of its broker. */
export interface ModulePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly spawner: Spawner;
  /** Programs run as the broker's own tasks. */
  readonly tasks: Tasks;
  /** Files of this host that users name. */
  readonly files: Files;
  /** Where content is kept on disk. */
  readonly stores: ContentStores;
  readonly rank: number;
  readonly size: number;
  /** The value of one of the broker's attributes. */
  attribute(name: string): string | undefined;
  /** Puts an attribute of the module's own among the broker's, until the module is unloaded or calls what this returns. */
  declare(name: string, attribute: ModuleAttribute): () => void;
  /** A channel with its own route id and credentials, for a module that speaks for others (`api`: its clients). */
  attach(owner: Owner): Channel;
  /** Bytes on their way to a client of this broker (by `Request.sender`) that it has not taken; 0 for who is none. */
  backlog(sender: string): number;
  log(level: LogLevel, text: string): void;
}

/** Severity by name, most severe first. */
export const LOG_LEVELS = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface ModuleContext {
  /** The name it is loaded under: its own, unless another was asked for. */
  readonly name: string;
  /** The module's own handle. It is closed for the module after `stop`. */
  readonly handle: Handle;
  /** Words given when it was loaded. */
  readonly args: readonly string[];
  readonly ports: ModulePorts;
  /** What to throw to refuse a request; here for modules in files of their own, which cannot import it. */
  readonly FluxError: typeof FluxError;
}

/** A module that runs. */
export interface Running {
  /** Lets go of everything; the module is unloaded when it resolves. `gone` is what its open requests are then answered. */
  stop?(gone: FluxError): void | Promise<void>;
}

export interface Module {
  /** The module's name and first service name. */
  readonly name: string;
  /** Further service names. */
  readonly services?: readonly string[];
  /** Starts it; resolves when it runs. A throw means that it was not loaded. */
  start(context: ModuleContext): void | Running | Promise<void | Running>;
}
