import { percent } from "../numbers.ts";
import { cancelShare, sharesUnderWay } from "../sharing.ts";
import { Bar } from "./bar.tsx";

/** Files and folders that are being read before they can be shared; nothing where there are none. */
export function SharingPart() {
  if (sharesUnderWay.value.length === 0) return null;
  return (
    <section class="card offers" aria-label="Files that are being read">
      {sharesUnderWay.value.map((share) => {
        const { id, path, done, total } = share;
        const part = total === 0 ? 0 : done / total;
        return (
          <div class="sharing" key={id}>
            <span>
              Reads <bdi>{path}</bdi>, to share it: {percent(part)}
            </span>
            <Bar part={part} label={`${path}: part that was read`} />
            <button type="button" onClick={() => cancelShare(share)}>Cancel</button>
          </div>
        );
      })}
    </section>
  );
}
