/** The password for programs and people on other machines. */
import { join } from "node:path";
import { messageOf, StorageError } from "../../errors.ts";

/** A password, and whether nobody has seen it yet. */
export interface Password {
  readonly password: string;
  readonly isNew: boolean;
}

/** The file in which a password that we made is kept. */
function keptPasswordPath(home: string): string {
  return join(home, "state", "web-password");
}

/** The first line of a file. Errors: `StorageError` when the file cannot be read or the line is empty. */
export async function readPassword(path: string): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new StorageError(`cannot read the password: ${messageOf(error)}`, { cause: error });
  }
  const [line] = text.split(/\r?\n/, 1);
  if (line === "") throw new StorageError(`Expected a password in the first line of ${path}, got none`);
  return line;
}

/** The password that was made for this home, or a new one, which is kept so that its owner alone can read it. */
export async function ownPassword(home: string): Promise<Password> {
  const path = keptPasswordPath(home);
  try {
    const password = crypto.getRandomValues(new Uint8Array(12)).toBase64({ alphabet: "base64url" });
    await Deno.writeTextFile(path, `${password}\n`, { createNew: true, mode: 0o600 });
    return { password, isNew: true };
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      return { password: await readPassword(path), isNew: false };
    }
    throw new StorageError(`cannot keep the password: ${messageOf(error)}`, { cause: error });
  }
}
