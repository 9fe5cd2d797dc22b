/**
 * The C functions behind the transport, opened at first use. Only what every process needs is in `zmq` and `libc`: each
 * symbol costs 0.15 ms to bind. What few need (keys, monitors, closing) is in groups of its own.
 * Sizes are `usize` and want a bigint: a number takes the slow path of the FFI (measured: 11 ns against 90).
 */
import { FluxError } from "../../message/mod.ts";
import { libraryPath } from "./library_path.ts";

const once = <T>(make: () => T): () => T => {
  let value: T | undefined;
  return () => value ??= make();
};

const path = once(libraryPath);

function open<const T extends Deno.ForeignLibraryInterface>(
  file: () => string,
  symbols: T,
): () => Deno.DynamicLibrary<T>["symbols"] {
  return once(() => {
    try {
      return Deno.dlopen(file(), symbols).symbols;
    } catch (error) {
      if (error instanceof FluxError) throw error;
      throw new FluxError("ENOENT", `cannot load ${file()}: ${(error as Error).message}`, { cause: error });
    }
  });
}

export const zmq = open(path, {
  zmq_ctx_new: { parameters: [], result: "pointer" },
  zmq_socket: { parameters: ["pointer", "i32"], result: "pointer" },
  zmq_close: { parameters: ["pointer"], result: "i32" },
  zmq_setsockopt: { parameters: ["pointer", "i32", "buffer", "usize"], result: "i32" },
  zmq_getsockopt: { parameters: ["pointer", "i32", "buffer", "buffer"], result: "i32" },
  zmq_bind: { parameters: ["pointer", "buffer"], result: "i32" },
  zmq_connect: { parameters: ["pointer", "buffer"], result: "i32" },
  zmq_send: { parameters: ["pointer", "buffer", "usize", "i32"], result: "i32" },
  zmq_recv: { parameters: ["pointer", "buffer", "usize", "i32"], result: "i32" },
  zmq_msg_init: { parameters: ["pointer"], result: "i32" },
  zmq_msg_recv: { parameters: ["pointer", "pointer", "i32"], result: "i32" },
  zmq_msg_data: { parameters: ["pointer"], result: "pointer" },
  zmq_msg_get: { parameters: ["pointer", "i32"], result: "i32" },
  zmq_errno: { parameters: [], result: "i32" },
});

/** `zmq_msg_close` frees the body a message holds; only large ones are worth the call. */
export const zmqRare = open(path, {
  zmq_msg_close: { parameters: ["pointer"], result: "i32" },
  zmq_disconnect: { parameters: ["pointer", "buffer"], result: "i32" },
  zmq_ctx_term: { parameters: ["pointer"], result: "i32", nonblocking: true },
});

export const zmqMonitor = open(path, {
  zmq_socket_monitor_versioned: { parameters: ["pointer", "buffer", "u64", "i32", "i32"], result: "i32" },
});

export const zmqPlain = open(path, {
  zmq_curve_public: { parameters: ["buffer", "buffer"], result: "i32" },
});

export const zmqCurve = open(path, {
  zmq_curve_keypair: { parameters: ["buffer", "buffer"], result: "i32" },
  zmq_z85_encode: { parameters: ["buffer", "buffer", "usize"], result: "pointer" },
  zmq_msg_gets: { parameters: ["pointer", "buffer"], result: "pointer" },
});

/** `poll` runs on a thread of Deno's pool: it is the only place where a process of ours waits for the network. */
export const libc = open(() => "libc.so.6", {
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32", nonblocking: true },
  timerfd_create: { parameters: ["i32", "i32"], result: "i32" },
  timerfd_settime: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});

export const libcSocket = open(() => "libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
});

export const libcNames = open(() => "libc.so.6", {
  getaddrinfo: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32", nonblocking: true },
  freeaddrinfo: { parameters: ["pointer"], result: "void" },
  gai_strerror: { parameters: ["i32"], result: "pointer" },
});

export const libcShutdown = open(() => "libc.so.6", {
  dup: { parameters: ["i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
});
