/**
 * What stands between a module and its broker: its mistakes end the module and not the broker, messages for it can be
 * held back, and what it opened is closed with it.
 */

import { FluxError, type Message } from "../message/mod.ts";
import type {
  Channel,
  ChannelEvents,
  HostedTask,
  ModuleAttribute,
  ModulePorts,
  Owner,
  TaskStart,
} from "../handle/mod.ts";
import type { Clock, Timer } from "../ports/mod.ts";

/** Hears of what a module threw where nobody else could catch it; `where` says what it was doing. */
export type Fault = (where: string, error: unknown) => void;

/** A channel whose listener may throw: a refusal of bad input is passed over, anything else is a fault. */
export function guarded(channel: Channel, fault: Fault): Channel {
  return {
    send: (message) => channel.send(message),
    close: () => channel.close(),
    open: (events) => channel.open({ ...events, message: (message) => give(events, message, fault) }),
  };
}

function give(events: ChannelEvents, message: Message, fault: Fault): void {
  try {
    events.message(message);
  } catch (error) {
    if (!(error instanceof FluxError)) fault(message.topic, error);
  }
}

/** The channel of a module's own handle. */
export class ModuleGate implements Channel {
  readonly #channel: Channel;
  readonly #fault: Fault;
  #events: ChannelEvents | undefined;
  /** Messages that wait while the module is held; undefined while it is not. */
  #held: Message[] | undefined;

  constructor(channel: Channel, fault: Fault) {
    this.#channel = channel;
    this.#fault = fault;
  }

  /** Messages that wait for the module. */
  get waiting(): number {
    return this.#held?.length ?? 0;
  }

  /** Holds messages back from now on, or lets them through again. */
  hold(held: boolean): void {
    if (held) return void (this.#held ??= []);
    const messages = this.#held ?? [];
    this.#held = undefined;
    for (const message of messages) if (this.#events) give(this.#events, message, this.#fault);
  }

  send(message: Message): void {
    this.#channel.send(message);
  }

  open(events: ChannelEvents): void {
    this.#events = events;
    this.#channel.open({
      ...events,
      message: (message) => {
        if (this.#held) this.#held.push(message);
        else give(events, message, this.#fault);
      },
    });
  }

  close(): void {
    this.#channel.close();
  }
}

/** The doors of one module. `close` cancels its timers, kills its tasks and closes the channels it attached. */
export class ModuleDoors {
  readonly #ports: ModulePorts;
  readonly #fault: Fault;
  readonly #open = new Set<{ end(): void }>();

  constructor(ports: ModulePorts, fault: Fault) {
    this.#ports = ports;
    this.#fault = fault;
  }

  get ports(): ModulePorts {
    return {
      ...this.#ports,
      clock: this.#clock,
      tasks: { start: (task) => this.#start(task) },
      declare: (name, attribute) => this.#declare(name, attribute),
      attach: (owner) => this.#attach(owner),
    };
  }

  close(): void {
    for (const one of [...this.#open]) one.end();
    this.#open.clear();
  }

  get #clock(): Clock {
    const { clock } = this.#ports;
    return { now: () => clock.now(), wall: () => clock.wall(), after: (ms, callback) => this.#after(ms, callback) };
  }

  #after(ms: number, callback: () => void): Timer {
    const timer = this.#ports.clock.after(ms, () => {
      this.#open.delete(entry);
      try {
        callback();
      } catch (error) {
        this.#fault("timer", error);
      }
    });
    const entry = { end: () => timer.cancel() };
    this.#open.add(entry);
    return {
      cancel: () => {
        this.#open.delete(entry);
        timer.cancel();
      },
    };
  }

  #start(task: TaskStart): HostedTask {
    const hear: TaskStart["hear"] = (news) => {
      try {
        task.hear(news);
      } catch (error) {
        this.#fault("task", error);
      }
    };
    const started = this.#ports.tasks.start({ ...task, hear });
    const entry = { end: () => started.abandon() };
    this.#open.add(entry);
    started.done.catch(() => {}).finally(() => this.#open.delete(entry));
    return started;
  }

  #declare(name: string, attribute: ModuleAttribute): () => void {
    const end = this.#ports.declare(name, attribute);
    this.#open.add({ end });
    return end;
  }

  #attach(owner: Owner): Channel {
    const channel = guarded(this.#ports.attach(owner), this.#fault);
    const entry = { end: () => channel.close() };
    this.#open.add(entry);
    return {
      ...channel,
      close: () => {
        this.#open.delete(entry);
        channel.close();
      },
    };
  }
}
