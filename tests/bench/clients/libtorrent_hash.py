"""Checks or creates a torrent with libtorrent (Rasterbar), once, and ends: for the hashing benchmark."""

import argparse
import os
import sys
import time

import libtorrent as lt

PIECE_LENGTH = 1 << 20
V1_ONLY = 64

parser = argparse.ArgumentParser()
parser.add_argument("mode", choices=["check", "create"])
parser.add_argument("input", help="check: a .torrent file; create: a file to share")
parser.add_argument("folder", help="check: where the data is; create: where the torrent goes")
parser.add_argument("--threads", type=int, required=True)
options = parser.parse_args()

if options.mode == "create":
    storage = lt.file_storage()
    lt.add_files(storage, options.input)
    torrent = lt.create_torrent(storage, PIECE_LENGTH, flags=V1_ONLY)
    lt.set_piece_hashes(torrent, os.path.dirname(options.input))
    with open(os.path.join(options.folder, "new.torrent"), "wb") as output:
        output.write(lt.bencode(torrent.generate()))
    sys.exit(0)

session = lt.session({
    "listen_interfaces": "", "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "hashing_threads": options.threads,
})
parameters = lt.add_torrent_params()
parameters.ti = lt.torrent_info(options.input)
parameters.save_path = options.folder
parameters.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
handle = session.add_torrent(parameters)
while handle.status().state != lt.torrent_status.seeding:
    time.sleep(0.01)
