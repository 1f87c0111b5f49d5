"""A libtorrent peer for the tests: seeds or downloads one torrent over TCP on loopback, reporting in JSON lines.

argv[1]: {"mode": "seed"|"download", "torrent"|"magnet", "dir", "peers": ["host:port"], "useTrackers": bool,
"uploadLimit": bytes per second}
It ends when its standard input does.
"""
import json
import sys
import threading
import time

import libtorrent as lt

args = json.loads(sys.argv[1])


def say(**fields):
    print(json.dumps(fields), flush=True)


session = lt.session({
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "allow_multiple_connections_per_ip": True,
    "ssrf_mitigation": False,
    "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
})

if "magnet" in args:
    params = lt.parse_magnet_uri(args["magnet"])
else:
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(args["torrent"])
params.save_path = args["dir"]
if not args.get("useTrackers", False) and "torrent" in args:
    params.trackers = []
if args["mode"] == "seed":
    params.flags |= lt.torrent_flags.seed_mode
params.flags &= ~lt.torrent_flags.auto_managed
params.flags &= ~lt.torrent_flags.paused

while session.listen_port() == 0:
    time.sleep(0.005)
handle = session.add_torrent(params)
if "uploadLimit" in args:
    handle.set_upload_limit(args["uploadLimit"])
say(event="listening", port=session.listen_port(), version=lt.version)
for peer in args.get("peers", []):
    host, port = peer.rsplit(":", 1)
    handle.connect_peer((host, int(port)))


def watch():
    started = None
    while True:
        status = handle.status()
        if started is None and status.total_payload_download > 0:
            started = time.monotonic()
        if status.is_seeding:
            # `seconds`: from the first payload seen to the last piece; the poll is 5 ms.
            say(event="complete", seconds=time.monotonic() - (started or time.monotonic()))
            return
        time.sleep(0.005)


threading.Thread(target=watch, daemon=True).start()
sys.stdin.read()
say(event="stopped", uploaded=handle.status().total_payload_upload)
session.abort()
