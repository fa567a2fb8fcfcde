/** What the first bytes of an executable file say about it. */

/** Processors as Mach-O, ELF and PE number them. */
const MACH_O_CPUS: Readonly<Record<number, string>> = { 0x01000007: "x86_64", 0x0100000c: "aarch64" };
const ELF_CPUS: Readonly<Record<number, string>> = { 62: "x86_64", 183: "aarch64" };
const PE_CPUS: Readonly<Record<number, string>> = { 0x8664: "x86_64", 0xaa64: "aarch64" };
const MACH_O_64 = 0xfeedfacf;
const MACH_O_EXECUTABLE = 2;
const ELF = 0x7f454c46;
const DOS = 0x4d5a;
const PE = 0x50450000;

/** `darwin aarch64`, `linux x86_64` and the like; "unknown" for what is no executable of these systems. */
export function executableKind(head: Uint8Array<ArrayBuffer>): string {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0, true) === MACH_O_64 && view.getUint32(12, true) === MACH_O_EXECUTABLE) {
    return `darwin ${MACH_O_CPUS[view.getUint32(4, true)]}`;
  }
  if (view.getUint32(0) === ELF) return `linux ${ELF_CPUS[view.getUint16(18, true)]}`;
  if (view.getUint16(0) === DOS) {
    const header = view.getUint32(0x3c, true);
    if (header + 6 <= head.length && view.getUint32(header) === PE) {
      return `windows ${PE_CPUS[view.getUint16(header + 4, true)]}`;
    }
  }
  return "unknown";
}
