"""A stand-in for `python -m node` that starts fast: the real web server and bridge around a tiny application.

    python stand_in.py run | web --fd N --ready-fd N | worker --index N | scheduler | migrate
"""

import json
import os
import signal
import socket
import sys
import time

from node.config import load


def application(environ, start_response):
    body = environ["wsgi.input"].read()
    path = environ["PATH_INFO"]
    if path == "/slow":
        time.sleep(1.0)
    if path == "/fail":
        raise RuntimeError("on purpose")
    answer = {
        "pid": os.getpid(),
        "target": environ["RAW_URI"],
        "path": path,
        "headers": environ["courtyard.headers"],
        "forwarded": environ.get("HTTP_X_FORWARDED_FOR"),
        "length": len(body),
        "announced": environ.get("CONTENT_LENGTH"),
    }
    payload = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(payload)))])
    return [payload]


def web(settings, arguments):
    from node.operations import web as server

    if os.environ.get("STAND_IN_WEB") == "broken":
        sys.exit(3)

    def ready(_application):
        print("stand-in told that it is ready", file=sys.stderr, flush=True)
        with os.fdopen(int(arguments["--ready-fd"]), "w") as pipe:
            json.dump({"first_admin_link": f"{settings.origin}/invitations/once"}, pipe)

    listener = socket.socket(fileno=int(arguments["--fd"]))
    server.run(settings, listener, lambda _settings: application, ready)


def wait_for_the_end():
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    while not stopped:
        time.sleep(0.05)


def main():
    from node.operations import logs

    settings = load(os.environ)
    name, arguments = sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    logs.set_up("text", "supervisor" if name == "run" else None)
    if name == "web":
        web(settings, arguments)
    elif name == "run":
        from node.operations.supervisor import StartFailed, Supervisor

        try:
            program = (sys.executable, __file__)
            Supervisor(settings, os.environ, lambda link: print(json.dumps({"link": link}), flush=True), program).run()
        except StartFailed as error:
            sys.exit(f"courtyard: {error}")
    elif name != "migrate":
        wait_for_the_end()


if __name__ == "__main__":
    main()
