"""A seeder or leecher on libtorrent (Rasterbar) for the benchmarks: prints "complete" once it has everything."""

import argparse
import signal
import sys

import libtorrent as lt

DISABLED = 2
COMMON = {
    # TCP everywhere: uTP is another race.
    "enable_incoming_utp": False, "enable_outgoing_utp": False,
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    # Connections of several programs on one machine may come from one address.
    "allow_multiple_connections_per_ip": True,
    "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
}
TUNED = {
    "in_enc_policy": DISABLED, "out_enc_policy": DISABLED,
    "send_buffer_watermark": 4 << 20, "send_buffer_low_watermark": 1 << 20, "send_buffer_watermark_factor": 150,
    "max_out_request_queue": 2000, "max_allowed_in_request_queue": 4000,
    "max_queued_disk_bytes": 64 << 20,
    "aio_threads": 4, "hashing_threads": 2,
    "unchoke_slots_limit": -1, "mixed_mode_algorithm": 0,
}

parser = argparse.ArgumentParser()
parser.add_argument("torrent", help="path of a .torrent file")
parser.add_argument("folder", help="where the data is or shall be")
parser.add_argument("--listen", required=True, help="ADDRESS:PORT")
parser.add_argument("--tuned", action="store_true")
options = parser.parse_args()

session = lt.session(COMMON | (TUNED if options.tuned else {}) | {"listen_interfaces": options.listen})
parameters = lt.add_torrent_params()
parameters.ti = lt.torrent_info(options.torrent)
parameters.save_path = options.folder
parameters.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
session.add_torrent(parameters)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    session.wait_for_alert(200)
    for alert in session.pop_alerts():
        if isinstance(alert, lt.torrent_finished_alert):
            print("complete", flush=True)
        else:
            print(alert, flush=True)
