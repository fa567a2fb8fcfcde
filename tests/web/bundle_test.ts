import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);

/** Bundles the page as `deno task page` does; undefined where the bundler or a library, packages of npm, cannot be had. */
async function bundle(output: string): Promise<string | undefined> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const [, ...args] = tasks.page.split(" ");
  args[args.indexOf("--output") + 1] = output;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  if (success) return await Deno.readTextFile(output);
  const reason = new TextDecoder().decode(stderr);
  if (/registry|esbuild|npm package/.test(reason) && /resolv|connect|download|network/i.test(reason)) {
    return undefined;
  }
  throw new Error(reason);
}

Deno.test("page: page.js was made of these sources; `deno task page` makes it anew", async (t) => {
  const folder = await Deno.makeTempDir();
  try {
    const fresh = await bundle(`${folder}/page.js`);
    await t.step({
      name: "it is the same",
      ignore: fresh === undefined,
      async fn() {
        assert.ok(await Deno.readTextFile(new URL("lib/web/page.js", ROOT)) === fresh, "page.js is stale");
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("page: all its files together take less than 50 KB compressed", async () => {
  let total = 0;
  for (const name of ["index.html", "page.css", "page.js", "icon.svg"]) {
    const stream = (await Deno.open(new URL(`lib/web/${name}`, ROOT))).readable;
    const gzipped = await new Response(stream.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    total += gzipped.byteLength;
  }
  assert.ok(total < 50_000, `${total} bytes`);
});
