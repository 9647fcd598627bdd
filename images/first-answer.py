"""Inside an image: start its command as Cloud Run does, and say how long it takes to its first answer.

usage: first-answer.py PATH STATUS COMMAND [ARGUMENT…]

The environment has the port (PORT) and what else the command is told. Another status than STATUS is an error.
"""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

_, path, wanted, *command = sys.argv
address = f"http://127.0.0.1:{os.environ['PORT']}{path}"
said = ""
began = time.monotonic()
server = subprocess.Popen(command)
try:
    while True:
        if server.poll() is not None:
            sys.exit(f"{command[0]} ended with {server.returncode} before it answered")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                status, said = answer.status, answer.read(200).decode()
            break
        except urllib.error.HTTPError as error:
            status = error.code
            break
        except OSError:
            if time.monotonic() - began > 60:
                sys.exit(f"{command[0]} has not answered within a minute")
            time.sleep(0.02)
    print(f"Start to first answer of {path} ({status}): {time.monotonic() - began:.1f} s {said}".rstrip())
    if str(status) != wanted:
        sys.exit(f"it should have answered {wanted}")
finally:
    server.terminate()
    server.wait(10)
