"""Joins one swarm with libtorrent (Rasterbar) and stays in it until it is terminated."""

import argparse
import signal
import sys
import time

import libtorrent as lt

parser = argparse.ArgumentParser()
parser.add_argument("torrent", help="path of a .torrent file, or a magnet link")
parser.add_argument("folder", help="where the data is or shall be")
parser.add_argument("--listen", required=True, help="ADDRESS:PORT")
parser.add_argument("--must-encrypt", action="store_true")
parser.add_argument("--local-discovery", action="store_true")
options = parser.parse_args()

REQUIRED, ENABLED = 0, 1
policy = REQUIRED if options.must_encrypt else ENABLED
session = lt.session({
    "listen_interfaces": options.listen,
    "outgoing_interfaces": options.listen.rpartition(":")[0],
    "enable_dht": False,
    "enable_lsd": options.local_discovery,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "in_enc_policy": policy,
    "out_enc_policy": policy,
    "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.status_notification
    | lt.alert.category_t.connect_notification,
})

if options.torrent.startswith("magnet:"):
    parameters = lt.parse_magnet_uri(options.torrent)
else:
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(options.torrent)
parameters.save_path = options.folder
session.add_torrent(parameters)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    for alert in session.pop_alerts():
        print(alert, flush=True)
    time.sleep(0.1)
