/**
 * The ids under which the router knows the links to other brokers. Pure. Each link has its own: the first one to a broker the
 * broker's uuid, a later one that with a number behind it.
 *
 * So an answer on its way back over a link that was lost meanwhile finds nobody. What it answers has been failed, and its
 * matchtag may stand for another request by now.
 */

export class RouteIds {
  readonly #links = new Map<string, number>();

  /** The id of the next link to the broker with this uuid. */
  next(uuid: string): string {
    const links = this.#links.get(uuid) ?? 0;
    this.#links.set(uuid, links + 1);
    return links === 0 ? uuid : `${uuid}.${links}`;
  }
}
