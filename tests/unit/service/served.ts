import { Handle, type Methods } from "../../../broker/handle/mod.ts";
import { Role } from "../../../broker/message/mod.ts";
import { endpointChannel, Router } from "../../../broker/router/mod.ts";
import { type VirtualClock, virtualClock } from "../../sim/mod.ts";

/** Who a client of {@link Served} is; an owner on the same rank unless given. */
export interface Credentials {
  readonly userid?: number;
  readonly rolemask?: number;
}

/** One broker's switch with some services on it and nothing else, so that they are called as a client calls them. */
export class Served {
  readonly clock: VirtualClock = virtualClock();
  readonly router: Router;
  readonly server: Handle;
  #clients = 0;

  constructor(rank = 0, size = 1) {
    this.router = new Router({ rank, size, userid: 100, publish: (event) => this.router.deliverEvent(event) });
    this.server = this.client();
  }

  async serve(methods: Methods): Promise<this> {
    await this.server.serve(methods);
    return this;
  }

  client(credentials: Credentials = {}): Handle {
    const owner = { userid: 100, rolemask: Role.owner | Role.local, ...credentials };
    const id = `client-${this.#clients++}`;
    return new Handle(endpointChannel(this.router, { id, ...owner }), { clock: this.clock });
  }

  /** A guest: another user of the same machine. */
  guest(): Handle {
    return this.client({ userid: 200, rolemask: Role.user | Role.local });
  }
}

/** The router of rank 0 with these services. */
export function served(methods: Methods): Promise<Served> {
  return new Served().serve(methods);
}
