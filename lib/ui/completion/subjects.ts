/** What `peer completion` can print: the script for a shell, or the names that the scripts ask for. */
export const COMPLETED = ["bash", "zsh", "fish", "powershell", "torrents"] as const;
export type Completed = typeof COMPLETED[number];
