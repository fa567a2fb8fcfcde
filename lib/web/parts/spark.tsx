import { rate } from "../numbers.ts";
import { ratesNoted, ratesOf, SPARK_SECONDS } from "../store.ts";

const WIDTH = 120;
const HEIGHT = 28;

/** The rates of a torrent in the last minute, down and up, as two lines of one scale. */
export function Spark({ infoHash }: { infoHash: string }) {
  ratesNoted.value;
  const { down, up } = ratesOf(infoHash);
  const most = Math.max(1, ...down, ...up);
  const points = (rates: readonly number[]) =>
    rates.map((value, at) => {
      const x = WIDTH - (rates.length - 1 - at) * WIDTH / (SPARK_SECONDS - 1);
      return `${x.toFixed(1)},${(HEIGHT - 1 - value / most * (HEIGHT - 2)).toFixed(1)}`;
    }).join(" ");
  const label = `Rates of the last minute, at most ${rate(most)}`;
  return (
    <svg
      class="spark"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      <polyline class="down" points={points(down)} />
      <polyline class="up" points={points(up)} />
    </svg>
  );
}
