// Names that stand for ids in what is published: keyed, so that nobody without the key can find out by trial whose they are.
// Source: RFC 2104 (HMAC) with SHA-256. Invariant: one id, one name, in every table of a bundle and in the names of its files.
import { createHmac } from "node:crypto";
import { extname } from "node:path";
import { subjectKey } from "../core/subject.ts";

/** What stands for ids. */
export interface Pseudonyms {
  /** 64 hexadecimal digits for the id of a subject. */
  subject(id: string): string;
  /** 32 for the id of a pair or a frame, which in public annotations leads to its subject. */
  image(id: string): string;
  /** The name of a crop, `H_<id>.jpg`, with what stands for its id. */
  file(name: string): string;
}

/**
 * Pseudonyms by a secret key.
 *
 * @example keyedPseudonyms(key).subject("b6f2...") // 64 hexadecimal digits
 */
export function keyedPseudonyms(key: Uint8Array): Pseudonyms {
  const of = (kind: string, id: string) => createHmac("sha256", key).update(`${kind} ${id}`).digest("hex");
  const image = (id: string) => of("image", id).slice(0, 32);
  return {
    subject(id) {
      const reading = subjectKey(id);
      return of("subject", "value" in reading ? reading.value : id);
    },
    image,
    file: (name) => `${name.slice(0, 2)}${image(name.slice(2, -extname(name).length))}${extname(name)}`,
  };
}
