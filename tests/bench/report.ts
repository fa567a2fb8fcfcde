/** Numbers to tables, and tables to `RESULTS.md`. */

const RESULTS = new URL("RESULTS.md", import.meta.url);
const HEADER = `# Benchmark results

Written by \`deno task bench\`, section by section; each says when and where it was measured.
`;

/** The middle value, NaN of none; of an even number of values, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that `share` (0 to 1) of all values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

/** A number with about three significant digits. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** Median of several runs with the lowest and the highest: "520 (508–531)". */
export function spread(values: readonly number[]): string {
  if (values.length < 2) return figure(median(values));
  return `${figure(median(values))} (${figure(Math.min(...values))}–${figure(Math.max(...values))})`;
}

/** A Markdown table: the first column to the left, all others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) =>
    Math.max(3, ...[header, ...rows].map((row) => row[column].length))
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join(" | ")} |`;
  const rule = `| ${
    widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`).join(" | ")
  } |`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

/** When and where: date, processor, system, Deno. */
export async function circumstances(): Promise<string> {
  const model = /^model name\s*:\s*(.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ??
    Deno.build.arch;
  const date = new Date().toISOString().slice(0, 10);
  const memory = `${Math.round(Deno.systemMemoryInfo().total / 2 ** 30)} GiB`;
  const cores = `${navigator.hardwareConcurrency} × ${model}`;
  return `${date}, ${cores}, ${memory}, Linux ${Deno.osRelease()}, Deno ${Deno.version.deno}`;
}

/** Puts a section into `RESULTS.md`, in place of the one with the same name. */
export async function writeSection(name: string, body: string): Promise<void> {
  const text = await Deno.readTextFile(RESULTS).catch(() => HEADER);
  const [header, ...sections] = text.split(/^(?=## )/m);
  const title = `## ${name}\n`;
  const others = sections.filter((section) => !section.startsWith(title));
  const all = [...others, `${title}\n${body}\n`].toSorted();
  await Deno.writeTextFile(
    RESULTS,
    [header.trimEnd(), ...all.map((section) => section.trim())].join("\n\n") + "\n",
  );
}
