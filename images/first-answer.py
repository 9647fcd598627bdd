"""Inside the image of the functions: start one as Cloud Run does, and say how long it takes to its first answer."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

PORT = 8970
environ = {
    **os.environ,
    "GOOGLE_CLOUD_PROJECT": "some-project",
    "FUNCTION_SOURCE": "functions/router/main.py",
    "FUNCTION_TARGET": "on_upload",
    "PORT": str(PORT),
}
began = time.monotonic()
server = subprocess.Popen(["functions-framework"], env=environ)
try:
    while True:
        if server.poll() is not None:
            sys.exit(f"the function ended with {server.returncode} before it answered")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=5) as answer:
                status = answer.status
            break
        except urllib.error.HTTPError as error:
            # A function of events answers a GET with 405: that is an answer.
            status = error.code
            break
        except OSError:
            if time.monotonic() - began > 60:
                sys.exit("the function has not answered within a minute")
            time.sleep(0.02)
    print(f"Start to first answer ({status}): {time.monotonic() - began:.1f} s")
finally:
    server.terminate()
    server.wait(10)
