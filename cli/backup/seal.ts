/** Secrets of a backup, encrypted with a passphrase: scrypt makes the key of it, AES-256-GCM encrypts and proves. */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { UserError } from "../../settings";

/** The variable with the passphrase. */
export const passphraseVariable = "OBS_BACKUP_PASSPHRASE";

/** Characters that a passphrase has at least: whoever has the file can try as many as they like. */
export const shortest = 12;

/** OWASP's parameters for scrypt, 128 MiB: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const cost = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 ** 2 };

/** What is written: all that opening it needs but the passphrase, in base64. */
interface Sealed {
  cipher: "scrypt-aes-256-gcm";
  N: number;
  r: number;
  p: number;
  salt: string;
  iv: string;
  tag: string;
  data: string;
}

/** Encrypts a text; the same text gives another result each time. */
export function seal(text: string, passphrase: string): string {
  const { N, r, p } = cost;
  const [salt, iv] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv("aes-256-gcm", scryptSync(passphrase, salt, 32, cost), iv);
  const data = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  const base64 = (bytes: Buffer) => bytes.toString("base64");
  const sealed: Sealed = {
    cipher: "scrypt-aes-256-gcm",
    ...{ N, r, p },
    salt: base64(salt),
    iv: base64(iv),
    tag: base64(cipher.getAuthTag()),
    data: base64(data),
  };
  return `${JSON.stringify(sealed, null, 2)}\n`;
}

/**
 * The text again.
 *
 * @throws UserError when the passphrase is another one, or what was written was changed
 */
export function unseal(written: string, passphrase: string): string {
  const { cipher: name, N, r, p, salt, iv, tag, data }: Sealed = JSON.parse(written);
  if (name !== "scrypt-aes-256-gcm")
    throw new UserError(`the keys are encrypted with ${name}, which is not known here`);
  // A file that asks for more than ours ever does is not ours.
  if (N > cost.N || r > cost.r || p > cost.p)
    throw new UserError("the keys' file is damaged: its cost is too high");
  const bytes = (text: string) => Buffer.from(text, "base64");
  try {
    const key = scryptSync(passphrase, bytes(salt), 32, { N, r, p, maxmem: cost.maxmem });
    const cipher = createDecipheriv("aes-256-gcm", key, bytes(iv), { authTagLength: 16 }).setAuthTag(
      bytes(tag),
    );
    return Buffer.concat([cipher.update(bytes(data)), cipher.final()]).toString();
  } catch {
    throw new UserError(
      `the keys cannot be decrypted: ${passphraseVariable} is not the passphrase that they were saved with, or the file was changed`,
    );
  }
}

/** Asks at the terminal without showing what is typed. */
async function prompt(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_, __, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question("");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

/**
 * The passphrase, from the environment or from who sits at the terminal.
 *
 * @param isNew whether it is chosen now, and so has to be typed twice and be long enough
 * @throws UserError when there is none, or a new one is too short
 */
export async function passphrase(isNew: boolean): Promise<string> {
  const given = process.env[passphraseVariable];
  if (!given && !process.stdin.isTTY)
    throw new UserError(
      `the keys are saved encrypted, and there is no passphrase for them: set ${passphraseVariable}, or leave them out with --only`,
    );
  const answer = given || (await prompt("Passphrase for the keys of the backup: "));
  if (!isNew) return answer;
  if (answer.length < shortest)
    throw new UserError(
      `${passphraseVariable}: has ${answer.length} characters (must be ${shortest} or more)`,
    );
  if (!given && (await prompt("Once more: ")) !== answer) throw new UserError("the two passphrases differ");
  return answer;
}
