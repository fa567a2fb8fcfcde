/** The last host's time over the number of hosts, as a curve for each scenario (SVG). */
import type { Outcome } from "./run.ts";

const [WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM] = [720, 380, 50, 20, 130, 40];
const COLOURS = ["#1b6ca8", "#c2571a", "#3a7d44", "#8a3f8f", "#b0891c", "#b3273f", "#2a8c8c", "#6b6b6b"];

/** The plot of the outcomes with the usual number of pieces. */
export function plot(outcomes: readonly Outcome[], pieces = 64): string {
  const shown = outcomes.filter((outcome) => outcome.pieces === pieces && outcome.unfinished === 0);
  const counts = [...new Set(shown.map(({ hosts }) => hosts))].sort((a, b) => a - b);
  const [least, most] = [Math.log10(counts[0] ?? 10), Math.log10(Math.max(counts.at(-1) ?? 0, 100))];
  const highest = Math.ceil(Math.max(2, ...shown.map(({ last }) => last)));
  const x = (hosts: number) => LEFT + (Math.log10(hosts) - least) / (most - least) * (WIDTH - LEFT - RIGHT);
  const y = (copies: number) => HEIGHT - BOTTOM - (copies - 1) / (highest - 1) * (HEIGHT - TOP - BOTTOM);
  const line = (points: readonly (readonly [number, number])[]) =>
    points.map(([hosts, copies]) => `${x(hosts).toFixed(1)},${y(copies).toFixed(1)}`).join(" ");
  const parts: string[] = [];
  for (const hosts of counts) {
    parts.push(`<text x="${x(hosts).toFixed(1)}" y="${HEIGHT - 20}" text-anchor="middle">${hosts}</text>`);
  }
  for (let copies = 1; copies <= highest; copies += 0.5) {
    const at = y(copies).toFixed(1);
    parts.push(`<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#ddd"/>`);
    parts.push(
      `<text x="${LEFT - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${copies}</text>`,
    );
  }
  const bound = shown.filter(({ hosts }, at) => shown.findIndex((each) => each.hosts === hosts) === at)
    .sort((a, b) => a.hosts - b.hosts);
  const boundPoints = bound.map((each) => [each.hosts, each.bound] as const);
  parts.push(`<polyline points="${line(boundPoints)}" fill="none" stroke="#000" stroke-dasharray="4"/>`);
  const curves = [...Map.groupBy(shown, ({ scenario }) => scenario)];
  curves.forEach(([scenario, rows], at) => {
    const colour = COLOURS[at % COLOURS.length];
    const points = rows.map(({ hosts, last }) => [hosts, last] as const);
    parts.push(`<polyline points="${line(points)}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const [hosts, copies] of points) {
      parts.push(`<circle cx="${x(hosts).toFixed(1)}" cy="${y(copies).toFixed(1)}" r="3" fill="${colour}"/>`);
    }
    parts.push(
      `<text x="${WIDTH - RIGHT + 12}" y="${TOP + 18 * at + 10}" fill="${colour}">${scenario}</text>`,
    );
  });
  const dashed = `<text x="${WIDTH - RIGHT + 12}" y="${TOP + 18 * curves.length + 10}">bound (dashed)</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...parts,
    dashed,
    `<text x="${LEFT}" y="${
      HEIGHT - 4
    }">hosts; upwards: when the last one is done, in times of one copy</text>`,
    `</svg>\n`,
  ].join("\n");
}
