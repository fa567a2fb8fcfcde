/** Runs a program to its end. Errors: `Error` with the last words of a program that failed. */
export async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  if (success) return;
  const words = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("").trim();
  throw new Error(`${command} ${args.join(" ")}: ${words.slice(-500)}`);
}

/** Makes a folder and those above it. */
export async function ensureDir(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
}
