import assert from "node:assert/strict";
import { needs } from "../harness/processes/require_tool.ts";
import { linesOf } from "../harness/processes/lines.ts";
import { Lan } from "./namespaces.ts";

const lanTest = needs("linux", "root", "ip", "tc");

/** Starts a Deno program on a host; resolves with what it prints as soon as it prints a line. */
function run(lan: Lan, host: number, code: string): AsyncGenerator<string> {
  const args = ["eval", "--unstable-net", code];
  return linesOf(lan.spawn(host, Deno.execPath(), args, { stdout: "piped" }).stdout);
}

function namespacesOfThisProcess(): string[] {
  return [...Deno.readDirSync("/run/netns")].map((entry) => entry.name)
    .filter((name) => name.startsWith(`peer-lan-${Deno.pid}-`));
}

/** Hears one datagram sent by multicast, and tells it with its sender. */
const HEAR =
  `const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 6771, reuseAddress: true });
   await socket.joinMulticastV4("239.192.152.143", "0.0.0.0"); console.log("joined");
   const [bytes, from] = await socket.receive(); console.log(new TextDecoder().decode(bytes), from.hostname);
   Deno.exit();`;
/** Sends one. */
const SEND = `const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
   const to = { transport: "udp", hostname: "239.192.152.143", port: 6771 };
   await socket.send(new TextEncoder().encode("hello"), to); socket.close();`;

lanTest("Lan hosts reach each other, each from its own address", async () => {
  await using lan = await Lan.create(3, 100);
  assert.equal(lan.address(2), "10.99.0.3");
  const server = run(
    lan,
    2,
    `const listener = Deno.listen({ port: 7 }); console.log("listening");
     console.log((await listener.accept()).remoteAddr.hostname); Deno.exit();`,
  );
  assert.equal((await server.next()).value, "listening");
  await Array.fromAsync(
    run(lan, 1, `(await Deno.connect({ hostname: "${lan.address(2)}", port: 7 })).close();`),
  );
  assert.equal((await server.next()).value, lan.address(1));
  assert.equal((await server.next()).done, true);
});

lanTest("Lan carries multicast from one host to the others", async () => {
  await using lan = await Lan.create(2);
  const listener = run(lan, 0, HEAR);
  assert.equal((await listener.next()).value, "joined");
  await Array.fromAsync(run(lan, 1, SEND));
  assert.equal((await listener.next()).value, `hello ${lan.address(1)}`);
  assert.equal((await listener.next()).done, true);
});

lanTest("Lan.close ends what runs on the hosts and removes them", async () => {
  const lan = await Lan.create(2);
  const output = run(lan, 0, `console.log(Deno.pid); setInterval(() => {}, 1000);`);
  const pid = Number((await output.next()).value);
  assert.equal(namespacesOfThisProcess().length, 3);
  await lan.close();
  assert.equal((await output.next()).done, true);
  assert.throws(() => Deno.statSync(`/proc/${pid}`), Deno.errors.NotFound);
  assert.deepEqual(namespacesOfThisProcess(), []);
});

lanTest("Lan joins subnets by a router, which forwards no multicast and counts what crosses it", async () => {
  await using lan = await Lan.create(4, 1_000, { count: 2, rateMbit: 80 });
  assert.deepEqual([0, 1, 2, 3].map((host) => lan.address(host)), [
    "10.99.0.1",
    "10.99.0.2",
    "10.99.1.3",
    "10.99.1.4",
  ]);
  for (const address of [lan.address(3), lan.address6(3)]) {
    const before = await lan.bytesInto(1);
    const server = run(
      lan,
      3,
      `const listener = Deno.listen({ hostname: "::", port: 7 }); console.log("listening");
       let bytes = 0; for await (const part of (await listener.accept()).readable) bytes += part.length;
       console.log(bytes); Deno.exit();`,
    );
    assert.equal((await server.next()).value, "listening");
    const startedAt = performance.now();
    await Array.fromAsync(run(
      lan,
      0,
      `const to = await Deno.connect({ hostname: "${address}", port: 7 });
       await new Blob([new Uint8Array(1_000_000)]).stream().pipeTo(to.writable);`,
    ));
    assert.equal((await server.next()).value, "1000000");
    assert(performance.now() - startedAt > 80, "the router is as slow as it should be");
    const crossed = await lan.bytesInto(1) - before;
    assert(crossed > 1_000_000 && crossed < 1_200_000, `${crossed} bytes crossed`);
    await server.return(undefined);
  }
  const heard = run(lan, 2, HEAR);
  assert.equal((await heard.next()).value, "joined");
  await Array.fromAsync(run(lan, 0, SEND));
  await Array.fromAsync(run(lan, 3, SEND));
  assert.equal(
    (await heard.next()).value,
    `hello ${lan.address(3)}`,
    "only the one behind the same bridge is heard",
  );
  assert.equal((await heard.next()).done, true);
});
