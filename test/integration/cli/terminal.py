"""Runs a command on a terminal of its own and types answers at its prompts.

argv: a JSON object {"args": [...], "answers": [["prompt", "answer"], ...]}. Prints all that was shown, as JSON
{"status": n, "shown": "..."}. An answer "{word:N}" is taken from the list under "words".
"""
import json
import os
import pty
import re
import select
import signal
import sys
import time

job = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(job["args"][0], job["args"])
shown = ""
seen = 0
answers = list(job["answers"])
deadline = time.monotonic() + float(job.get("seconds", 60))
while time.monotonic() < deadline:
    ready, _, _ = select.select([fd], [], [], 0.2)
    if ready:
        try:
            chunk = os.read(fd, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk.decode("utf8", "replace")
    if answers:
        match = re.search(answers[0][0], shown[seen:])
        if match:
            seen += match.end()
            answer = answers.pop(0)[1]
            if match.groups():
                answer = job["words"][int(match.group(1)) - 1]
            time.sleep(0.3)
            os.write(fd, (answer + "\r").encode())
else:
    os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
print(json.dumps({"status": os.waitstatus_to_exitcode(status), "shown": shown}))
