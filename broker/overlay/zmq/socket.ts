import { FluxError } from "../../message/mod.ts";
import { zmq, zmqCurve, zmqMonitor, zmqRare } from "./library.ts";
import { DONTWAIT, MORE, Option, POLLIN, SNDMORE, SocketType, SOURCE_FD, WIDE_OPTION } from "./options.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder(), decoder = new TextDecoder();
const cstring = (text: string): Bytes => encoder.encode(text + "\0");

/** The property of a message that a ZAP handler sets (RFC 27). */
const USER_ID = cstring("User-Id");

/**
 * `zmq_msg_t`, used for one receive after the other. It must not move, and a buffer of this size is outside the heap.
 */
const messageStruct = new Uint8Array(4096);
let message: Deno.PointerValue = null;
/** Bodies above this size are freed at once and not when the next message comes. */
const LARGE = 1 << 16;

const optionValue = new BigInt64Array(32), optionLength = new BigUint64Array(1);
const optionLengthBytes = new Uint8Array(optionLength.buffer);
const optionBytes = new Uint8Array(optionValue.buffer), optionNumbers = new Int32Array(optionValue.buffer);

const EINTR = 4;

/**
 * What a call of libzmq returns that was not interrupted. A signal (SIGCHLD for each task that ends) makes any of them fail before
 * it has done anything; a send that is not repeated is a message lost, a receive one that waits for the next.
 */
function uninterrupted(call: () => number): number {
  for (;;) {
    const result = call();
    if (result >= 0 || zmq().zmq_errno() !== EINTR) return result;
  }
}

/** Sockets share an I/O thread of libzmq. Ends when all of them are closed. */
export class Context {
  readonly pointer: Deno.PointerValue = zmq().zmq_ctx_new();
  #monitors = 0;

  /** A name for an inproc endpoint that nobody in this context has. */
  inprocName(): string {
    return `inproc://monitor-${this.#monitors++}`;
  }

  /** Resolves when every socket's connections are closed; they must all be closed with linger 0 before. */
  async terminate(): Promise<void> {
    await zmqRare().zmq_ctx_term(this.pointer);
  }
}

/** One libzmq socket. Nothing here blocks. */
export class Socket {
  /**
   * Readable when something about the socket changed, which `isReadable` or a `receive` must find out (edge
   * triggered).
   */
  readonly fd: number;
  readonly #context: Context;
  readonly #pointer: Deno.PointerValue;

  constructor(context: Context, type: SocketType) {
    this.#context = context;
    this.#pointer = zmq().zmq_socket(context.pointer, type);
    if (!this.#pointer) throw new FluxError(zmq().zmq_errno(), "cannot make a ZeroMQ socket: too many are open");
    if (!message) zmq().zmq_msg_init(message = Deno.UnsafePointer.of(messageStruct));
    this.set(Option.linger, 0);
    this.fd = this.#get(Option.fd);
  }

  /** Throws EINVAL when this libzmq does not know the option or the value. */
  set(option: number, value: number | string): void {
    const bytes = typeof value === "string" ? encoder.encode(value) : new Uint8Array(
      option === WIDE_OPTION ? new BigInt64Array([BigInt(value)]).buffer : new Int32Array([value]).buffer,
    );
    if (uninterrupted(() => zmq().zmq_setsockopt(this.#pointer, option, bytes, BigInt(bytes.length))) === 0) return;
    throw new FluxError(zmq().zmq_errno(), `libzmq refuses option ${option} with value ${value}`);
  }

  /** The endpoint bound last, with its port. */
  get lastEndpoint(): string {
    optionLength[0] = BigInt(optionBytes.length);
    uninterrupted(() => zmq().zmq_getsockopt(this.#pointer, Option.lastEndpoint, optionBytes, optionLengthBytes));
    return decoder.decode(optionBytes.subarray(0, Number(optionLength[0]) - 1));
  }

  /** Returns 0 or the errno. */
  bind(endpoint: string): number {
    return uninterrupted(() => zmq().zmq_bind(this.#pointer, cstring(endpoint))) === 0 ? 0 : zmq().zmq_errno();
  }

  /** Returns 0 or the errno. */
  connect(endpoint: string): number {
    return uninterrupted(() => zmq().zmq_connect(this.#pointer, cstring(endpoint))) === 0 ? 0 : zmq().zmq_errno();
  }

  disconnect(endpoint: string): void {
    uninterrupted(() => zmqRare().zmq_disconnect(this.#pointer, cstring(endpoint)));
  }

  /** Sends one part; false when nobody is there to take it. The bytes are copied. */
  send(part: Bytes, more = false): boolean {
    const flags = more ? DONTWAIT | SNDMORE : DONTWAIT;
    return uninterrupted(() => zmq().zmq_send(this.#pointer, part, BigInt(part.length), flags)) >= 0;
  }

  /** Receives a part that is known to be short; its length, or -1 when there is none. What does not fit is cut off. */
  receiveInto(buffer: Bytes): number {
    return uninterrupted(() => zmq().zmq_recv(this.#pointer, buffer, BigInt(buffer.length), DONTWAIT));
  }

  /** Receives one part into a buffer of its own, or null when there is none. */
  receive(): Bytes | null {
    const size = uninterrupted(() => zmq().zmq_msg_recv(message, this.#pointer, DONTWAIT));
    if (size < 0) return null;
    const bytes = new Uint8Array(size);
    if (size > 0) Deno.UnsafePointerView.copyInto(zmq().zmq_msg_data(message)!, bytes);
    if (size > LARGE) {
      zmqRare().zmq_msg_close(message);
      zmq().zmq_msg_init(message);
    }
    return bytes;
  }

  /** True when the part received last has another behind it. */
  get more(): boolean {
    return zmq().zmq_msg_get(message, MORE) !== 0;
  }

  /** File descriptor of the connection that the message received last came through. -1: not known. */
  get sourceFd(): number {
    return zmq().zmq_msg_get(message, SOURCE_FD);
  }

  /** What the ZAP handler has called the other end of the connection of the message received last; undefined without one. */
  get userId(): string | undefined {
    const text = zmqCurve().zmq_msg_gets(message, USER_ID);
    return text ? Deno.UnsafePointerView.getCString(text) : undefined;
  }

  /** Takes note of what happened on the connections, and tells whether a message waits. */
  isReadable(): boolean {
    return (this.#get(Option.events) & POLLIN) !== 0;
  }

  /** A socket on which the monitor events of `mask` arrive (format 2). */
  monitor(mask: number): Socket {
    const name = this.#context.inprocName();
    zmqMonitor().zmq_socket_monitor_versioned(this.#pointer, cstring(name), BigInt(mask), 2, SocketType.pair);
    const monitor = new Socket(this.#context, SocketType.pair);
    monitor.connect(name);
    return monitor;
  }

  /**
   * No more monitor events. To be called before the socket on which they arrive is closed: libzmq's I/O thread waits for ever
   * to tell an event to nobody, and with it every connection of the process.
   */
  unmonitor(): void {
    zmqMonitor().zmq_socket_monitor_versioned(this.#pointer, null, 0n, 2, SocketType.pair);
  }

  close(): void {
    zmq().zmq_close(this.#pointer);
  }

  #get(option: number): number {
    optionLength[0] = 4n;
    uninterrupted(() => zmq().zmq_getsockopt(this.#pointer, option, optionBytes, optionLengthBytes));
    return optionNumbers[0]!;
  }
}
