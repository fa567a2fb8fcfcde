/** An amount of memory that Linux tells of a process under `/proc`, such as "VmHWM", in bytes; undefined once it ended. */
export function statusBytes(pid: number, field: string): number | undefined {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kibibytes = RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
