import type { KeyPair, Timer } from "../../ports/mod.ts";
import { systemConnections } from "./connection.ts";
import type { Engine } from "./engine.ts";
import { HalfOpen } from "./half_open.ts";
import { handshakeFailure, type Happening, Monitor } from "./monitor.ts";
import { MonitorEvent, Option } from "./options.ts";
import { Refusals } from "./refusals.ts";
import type { Socket } from "./socket.ts";

/** How long a handshake may take, ms: who has not proved by then who he is, is disconnected. */
const HANDSHAKE_MS = 10_000;
/** Between two looks at those whose handshake is not over, while there are any, ms. */
const LOOK_MS = 50;

const { accepted, disconnected, handshakeSucceeded, handshakeFailedProtocol, handshakeFailedAuth } = MonitorEvent;
const WATCHED = accepted | disconnected | handshakeSucceeded | handshakeFailedProtocol | handshakeFailedAuth;

export interface GatekeeperOptions {
  readonly endpoint: string;
  readonly keys: KeyPair;
  admits(publicKey: string): boolean;
  /** Somebody was refused; told once for each address and kind of reason. */
  refused(address: string, reason: string): void;
}

/** Makes a listening socket a CURVE or PLAIN server, lets in who is admitted, and sees to it that strangers cost little. */
export class Gatekeeper {
  readonly #engine: Engine;
  readonly #options: GatekeeperOptions;
  readonly #domain: string;
  readonly #monitor: Monitor;
  readonly #refusals = new Refusals();
  readonly #halfOpen = new HalfOpen(systemConnections);
  #look: Timer | undefined;

  /** Before `socket` is bound. */
  constructor(engine: Engine, socket: Socket, options: GatekeeperOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#domain = engine.admission.addGate(({ key, isProved }, address) => {
      const isAdmitted = isProved && options.admits(key!);
      const what = isProved
        ? `key ${key} is not admitted`
        : `wrong password${key === undefined ? "" : ` for key ${key}`}`;
      // Whoever makes another key each time is told of once all the same.
      if (!isAdmitted) this.#refuse(address, what, "key");
      return isAdmitted;
    });
    const { mechanism, secretKey } = options.keys;
    socket.set(Option.zapDomain, this.#domain);
    if (mechanism === "plain") socket.set(Option.plainServer, 1);
    else {
      socket.set(Option.curveServer, 1);
      socket.set(Option.curveSecretKey, secretKey);
    }
    socket.set(Option.handshakeInterval, HANDSHAKE_MS);
    this.#monitor = new Monitor(engine.poller, socket, WATCHED, (happening) => this.#heard(happening));
  }

  close(): void {
    this.#look?.cancel();
    this.#monitor.close();
    this.#engine.admission.removeGate(this.#domain);
  }

  #heard(happening: Happening): void {
    const { event, value, remote } = happening;
    // Over TCP a peer that tries again has another port each time; over ipc it has no address, and is no stranger.
    const [, host] = /^tcp:\/\/(.*):\d+$/.exec(remote) ?? [];
    if (event !== accepted) this.#halfOpen.over(remote);
    else if (host !== undefined) {
      this.#halfOpen.accepted(remote, value);
      this.#look ??= this.#engine.clock.after(LOOK_MS, () => this.#inspect());
    }
    if (event === handshakeFailedProtocol) {
      this.#refuse(host ?? this.#options.endpoint, handshakeFailure(happening, this.#options.keys));
    }
  }

  #inspect(): void {
    this.#halfOpen.inspect();
    this.#look = this.#halfOpen.size > 0 ? this.#engine.clock.after(LOOK_MS, () => this.#inspect()) : undefined;
  }

  #refuse(address: string, reason: string, kind = reason): void {
    if (this.#refusals.isNew(address, kind)) this.#options.refused(address, reason);
  }
}
