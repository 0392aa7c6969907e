"""Just enough of the Chrome DevTools Protocol to drive a headless Chromium, through two pipes."""
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
             "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND", "--hide-scrollbars",
             "--force-color-profile=srgb", "--remote-debugging-pipe"]
PATIENCE = 300  # seconds for an answer


def program():
    """The Chromium of this machine, None if there is none."""
    return next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


class Failure(Exception):
    pass


class Browser:
    """One Chromium with a profile of its own and one page; `events` are what the page reported since they were cleared."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="vcost-browser-", ignore_cleanup_errors=True)
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        # The protocol's descriptors are 3 and 4; from higher ones neither is overwritten by the other.
        high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 20) for descriptor in (theirs_in, theirs_out)]

        def at_three_and_four():
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program(), *ARGUMENTS, f"--user-data-dir={self.profile.name}", "about:blank"], pass_fds=(3, 4, *high),
            preexec_fn=at_three_and_four, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for descriptor in (theirs_in, theirs_out, *high):
            os.close(descriptor)
        self.input, self.output, self.buffer = ours_in, ours_out, b""
        self.number, self.session, self.events = 0, None, []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(each for each in targets if each["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(10)
        except (Failure, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()

    def receive(self, until):
        """The next message."""
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.input], [], [], left)[0]:
                raise Failure("the browser does not answer")
            more = os.read(self.input, 1 << 20)
            if not more:
                raise Failure("the browser has ended")
            self.buffer += more
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.output, data):]
        until = time.monotonic() + PATIENCE
        while True:
            answer = self.receive(until)
            if "method" in answer:
                self.events.append((answer["method"], answer.get("params", {})))
            elif answer.get("id") == self.number:
                if "error" in answer:
                    raise Failure(f"{method}: {answer['error'].get('message')}")
                return answer["result"]

    def wait_for(self, method):
        until = time.monotonic() + PATIENCE
        while not any(name == method for name, _ in self.events):
            answer = self.receive(until)
            if "method" in answer:
                self.events.append((answer["method"], answer.get("params", {})))

    def open(self, url):
        """Loads a page; self.events is what happened since."""
        self.events = []
        self.call("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Failure(f"{expression[:80]}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def press(self, key, code=None, text=None):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                      windowsVirtualKeyCode={"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39}.get(key, 0),
                      **({"text": text} if text and kind == "keyDown" else {}))
