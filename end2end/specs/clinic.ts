// Staff at the command line, on the server that the specs run against.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const program = process.env.PERENNIAL_PROGRAM ?? "../target/release/perennial";
const folder = process.env.PERENNIAL_FOLDER ?? ".";

// What the program answers, line by line.
export async function perennial(...words: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(program, words, { cwd: folder });
  return stdout.trim().split("\n");
}

export async function appointment(what: string, ...words: string[]): Promise<string[]> {
  return perennial("appointment", what, "rowan-street", ...words);
}
