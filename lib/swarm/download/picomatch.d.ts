/** The part of `npm:picomatch` used here; the package brings no types. */
declare function picomatch(
  glob: string,
  options: { readonly dot: boolean; readonly windows: boolean },
): (path: string) => boolean;
export default picomatch;
