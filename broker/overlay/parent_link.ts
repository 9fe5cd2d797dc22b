/** The link of a broker to a parent: the present one, one to be, or a former one that lingers. */

import { encode, Idset, type JsonObject, type Message } from "../message/mod.ts";
import type { Link } from "../ports/mod.ts";
import type { Peer } from "../router/mod.ts";
import type { Welcome } from "./hello.ts";
import { controlMessage, linkRequest } from "./link_message.ts";

export class ParentLink {
  readonly uri: string;
  readonly link: Link;
  /** Who the parent is, once it has taken us in. */
  greeting?: Welcome & { id: string };
  /** The ranks behind us, as the parent knows them. */
  told: Idset = new Idset();

  constructor(uri: string, link: Link) {
    this.uri = uri;
    this.link = link;
  }

  say(topic: string, payload?: JsonObject): void {
    this.link.send(encode(linkRequest(topic, payload)));
  }

  /** As the router knows it, once the parent has taken us in. */
  get peer(): Peer {
    const send = (message: Message) => {
      this.link.send(encode(message));
      return true;
    };
    return { id: this.greeting!.id, kind: "parent", send };
  }

  control(kind: number, status: number): void {
    this.link.send(encode(controlMessage(kind, status)));
  }

  /** Tells the parent which ranks are behind us, if it knows others and knows us. */
  announce(ranks: Idset): void {
    if (!this.greeting || ranks.equals(this.told)) return;
    this.told = ranks;
    this.say("overlay.ranks", { ranks: `${ranks}` });
  }
}
