"""Runs a command on a terminal of its own and plays a script of steps against it.

    terminal.py '[["expect", "REGEX"], ["send", "TEXT"], ["resize", ROWS, COLUMNS], ["hangup"]]' COMMAND ARGS…

Prints one JSON object: {"status": N, "output": text, "restored": bool, "failed": step or null}. `restored`: the terminal
has its first settings back. Standard library only.
"""

import fcntl, json, os, pty, re, select, struct, sys, termios, time

PATIENCE = 60.0

steps, command = json.loads(sys.argv[1]), sys.argv[2:]
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.close(master)
    os.login_tty(slave) if hasattr(os, "login_tty") else None
    if not hasattr(os, "login_tty"):
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
    os.execvp(command[0], command)

output, read_to = "", 0


def pump(seconds):
    """Takes what the command prints meanwhile; False at its end."""
    global output
    if master is None or not select.select([master], [], [], seconds)[0]:
        return True
    try:
        data = os.read(master, 65536)
    except OSError:
        return False
    output += data.decode("utf-8", "replace")
    return bool(data)


def wait():
    """The exit status as a shell has it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        pump(0.02)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return None


failed = None
for step in steps:
    if step[0] == "send":
        os.write(master, step[1].encode())
    elif step[0] == "resize":
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", step[1], step[2], 0, 0))
    elif step[0] == "hangup":
        os.close(slave)
        os.close(master)
        master = slave = None
    else:
        deadline = time.monotonic() + PATIENCE
        found = None
        while not found and time.monotonic() < deadline:
            found = re.search(step[1], output[read_to:], re.S)
            if not found and not pump(0.05):
                break
        if not found:
            failed = step
            break
        read_to += found.end()
if failed:
    os.kill(pid, 15)
status = wait()
pump(0)
restored = slave is not None and termios.tcgetattr(slave) == before
print(json.dumps({"status": status, "output": output, "restored": restored, "failed": failed}))
