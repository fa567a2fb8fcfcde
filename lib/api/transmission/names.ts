/**
 * The names of Transmission's RPC in its two dialects. We speak of everything by its name in the JSON-RPC dialect, which
 * is snake_case throughout; the legacy dialect writes some names with hyphens and others in camelCase.
 */

/** The dialect of a request, and of its answer. */
export type Dialect = "legacy" | "json-rpc";

/** Names that the legacy dialect writes with hyphens. */
const HYPHENATED = words(`
  torrent_start torrent_start_now torrent_stop torrent_verify torrent_reannounce torrent_get torrent_set torrent_add
  torrent_remove torrent_set_location torrent_rename_path session_get session_set session_stats session_close
  blocklist_update port_test free_space group_get group_set queue_move_top queue_move_up queue_move_down
  queue_move_bottom

  delete_local_data file_count files_unwanted files_wanted peer_limit port_is_open primary_mime_type priority_high
  priority_low priority_normal recently_active torrent_added torrent_duplicate

  alt_speed_down alt_speed_enabled alt_speed_time_begin alt_speed_time_day alt_speed_time_enabled alt_speed_time_end
  alt_speed_up anti_brute_force_enabled anti_brute_force_threshold blocklist_enabled blocklist_size blocklist_url
  config_dir default_trackers dht_enabled download_dir download_dir_free_space download_queue_enabled
  download_queue_size idle_seeding_limit idle_seeding_limit_enabled incomplete_dir incomplete_dir_enabled lpd_enabled
  peer_limit_global peer_limit_per_torrent peer_port peer_port_random_on_start pex_enabled port_forwarding_enabled
  queue_stalled_enabled queue_stalled_minutes rename_partial_files rpc_version rpc_version_minimum rpc_version_semver
  script_torrent_added_enabled script_torrent_added_filename script_torrent_done_enabled script_torrent_done_filename
  script_torrent_done_seeding_enabled script_torrent_done_seeding_filename seed_queue_enabled seed_queue_size
  session_id speed_limit_down speed_limit_down_enabled speed_limit_up speed_limit_up_enabled start_added_torrents
  tcp_enabled trash_original_torrent_files utp_enabled

  memory_bytes memory_units size_bytes size_units speed_bytes speed_units cumulative_stats current_stats
`);

/** Names that the legacy dialect writes in camelCase. */
const CAMEL_CASE = words(`
  activity_date added_date bandwidth_priority corrupt_ever date_created desired_available done_date download_limit
  download_limited downloaded_ever edit_date error_string eta_idle file_stats hash_string have_unchecked have_valid
  honors_session_limits is_finished is_private is_stalled left_until_done magnet_link manual_announce_time
  max_connected_peers metadata_percent_complete peers_connected peers_from peers_getting_from_us peers_sending_to_us
  percent_complete percent_done piece_count piece_size queue_position rate_download rate_upload recheck_progress
  seconds_downloading seconds_seeding seed_idle_limit seed_idle_mode seed_ratio_limit seed_ratio_limited
  seed_ratio_mode size_when_done start_date torrent_file total_size tracker_add tracker_list tracker_remove
  tracker_replace tracker_stats upload_limit upload_limited upload_ratio uploaded_ever webseeds_sending_to_us

  bytes_completed client_is_choked client_is_interested client_name flag_str is_downloading_from is_encrypted
  is_incoming is_uploading_to peer_is_choked peer_is_interested rate_to_client rate_to_peer from_cache from_dht
  from_incoming from_lpd from_ltep from_pex from_tracker

  announce_state download_count has_announced has_scraped is_backup last_announce_peer_count last_announce_result
  last_announce_start_time last_announce_succeeded last_announce_time last_announce_timed_out last_scrape_result
  last_scrape_start_time last_scrape_succeeded last_scrape_time last_scrape_timed_out leecher_count
  next_announce_time next_scrape_time scrape_state seeder_count

  active_torrent_count download_speed downloaded_bytes files_added paused_torrent_count seconds_active session_count
  torrent_count upload_speed uploaded_bytes
`);

/** Names that follow no rule. */
const IRREGULAR: readonly (readonly [name: string, legacy: string])[] = [
  ["is_utp", "isUTP"],
  ["cache_size_mib", "cache-size-mb"],
];

const LEGACY_NAMES: ReadonlyMap<string, string> = new Map([
  ...HYPHENATED.map((name) => [name, name.replaceAll("_", "-")] as const),
  ...CAMEL_CASE.map((name) => [name, camelCase(name)] as const),
  ...IRREGULAR,
]);

/** Legacy names that depend on the method of the request. */
const LEGACY_NAMES_BY_METHOD: Readonly<Record<string, ReadonlyMap<string, string>>> = {
  torrent_get: new Map([["download_dir", "downloadDir"]]),
  free_space: new Map([["total_size", "total_size"]]),
};

const NAMES_BY_LEGACY_NAME: ReadonlyMap<string, string> = new Map([
  ...Array.from(LEGACY_NAMES, ([name, legacy]) => [legacy, name] as const),
  ["downloadDir", "download_dir"],
]);

/** The name that a request in either dialect means. A name that we do not know stays as it is. */
export function nameOf(written: string): string {
  return NAMES_BY_LEGACY_NAME.get(written) ?? written;
}

/** How a dialect writes a name in the answer to a request for `method`. */
export function writtenName(name: string, dialect: Dialect, method: string): string {
  if (dialect === "json-rpc") return name;
  const special = Object.hasOwn(LEGACY_NAMES_BY_METHOD, method) ? LEGACY_NAMES_BY_METHOD[method] : undefined;
  return special?.get(name) ?? LEGACY_NAMES.get(name) ?? name;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
