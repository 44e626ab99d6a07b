// When files of tests lie in memory.
import { expect, it } from "vitest";
import { isInMemory, type TmpFacts } from "./tmp.ts";

const MOUNTS = [
  "/dev/vda / ext4 rw,relatime 0 0",
  "tmpfs /dev/shm tmpfs rw,nosuid,nodev,size=24684084k 0 0",
  "tmpfs /run tmpfs rw 0 0",
].join("\n");
const FIT: TmpFacts = { chosen: undefined, mounts: MOUNTS, roomBytes: 8e9, memoryBytes: 16e9 };

it.each<[string, boolean, Partial<TmpFacts>]>([
  ["where there is room", true, {}],
  ["not where the user chose another folder", false, { chosen: "/var/tmp" }],
  ["not where it is small, as in most containers", false, { roomBytes: 64e6 }],
  ["not where there is little memory", false, { memoryBytes: 6e9 }],
  ["not where nothing can be run there", false, { mounts: MOUNTS.replace("nosuid", "nosuid,noexec") }],
  ["not where it cannot be written", false, { mounts: MOUNTS.replace("tmpfs rw,nosuid", "tmpfs ro,nosuid") }],
  ["not where it is on a disk", false, { mounts: MOUNTS.replace("shm tmpfs", "shm ext4") }],
  ["not on other systems", false, { mounts: "" }],
])("are in memory %s", (_, is, facts) => {
  expect(isInMemory({ ...FIT, ...facts })).toBe(is);
});
