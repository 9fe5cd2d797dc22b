/** Numbers of zmq.h (4.3.5) that the transport uses. */

export const SocketType = { pair: 0, rep: 4, dealer: 5, router: 6 } as const;
export type SocketType = (typeof SocketType)[keyof typeof SocketType];

export const Option = {
  routingId: 5,
  fd: 14,
  events: 15,
  linger: 17,
  reconnectInterval: 18,
  backlog: 19,
  maxMessageSize: 22,
  sendHighWater: 23,
  receiveHighWater: 24,
  lastEndpoint: 32,
  routerMandatory: 33,
  tcpKeepalive: 34,
  tcpKeepaliveCount: 35,
  tcpKeepaliveIdle: 36,
  tcpKeepaliveInterval: 37,
  immediate: 39,
  ipv6: 42,
  plainServer: 44,
  plainUsername: 45,
  plainPassword: 46,
  curveServer: 47,
  curvePublicKey: 48,
  curveSecretKey: 49,
  curveServerKey: 50,
  zapDomain: 55,
  handshakeInterval: 66,
  connectTimeout: 79,
  tcpUserTimeout: 80,
  useFd: 89,
  routerNotify: 97,
} as const;

/** The one option of eight bytes. */
export const WIDE_OPTION: number = Option.maxMessageSize;

export const POLLIN = 1;
export const DONTWAIT = 1;
export const SNDMORE = 2;
/** `ZMQ_NOTIFY_DISCONNECT`. */
export const NOTIFY_DISCONNECT = 2;
/** Properties of a message: another part follows; the descriptor of the connection it came through (`ZMQ_SRCFD`). */
export const MORE = 1;
export const SOURCE_FD = 2;

/** Socket monitor events. */
export const MonitorEvent = {
  accepted: 0x0020,
  closed: 0x0080,
  disconnected: 0x0200,
  handshakeSucceeded: 0x1000,
  handshakeFailedProtocol: 0x2000,
  handshakeFailedAuth: 0x4000,
} as const;
