/**
 * Answers every read from a socket with the same bytes: shows how much `announce_load.ts` can ask for at most.
 *
 *     deno run fixed_reply_server.ts ADDRESS PORT
 */
const BODY = `d8:intervali1800e5:peers300:${"x".repeat(300)}e`;
const HEADER = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${BODY.length}\r\n\r\n`;

async function serve(connection: Deno.TcpConn, reply: Uint8Array<ArrayBuffer>): Promise<void> {
  using _ = connection;
  const request = new Uint8Array(4096);
  try {
    while (await connection.read(request) !== null) await connection.write(reply);
  } catch (error) {
    // The load generator closes without a word.
    if (!(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe)) {
      throw error;
    }
  }
}

if (import.meta.main) {
  const [hostname, port] = Deno.args;
  const reply = new TextEncoder().encode(HEADER + BODY);
  for await (const connection of Deno.listen({ hostname, port: Number(port) })) serve(connection, reply);
}
