// Frames by the server's own rule: looked up, never joined, no links.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Listing, ROUTES } from "./api.ts";
import { type Served, serve } from "./serve.ts";

let root: string;
let served: Served;
let plain: Served;
const at = (name: string) => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-frames-"));
  for (const dir of [
    "given",
    "hagrid/set/palm",
    "hagrid/train_val_like",
    "hagrid/other",
    "hagrid-sibling/palm",
  ])
    await mkdir(at(dir), { recursive: true });
  await writeFile(at("hagrid/set/palm/a.jpg"), "a palm");
  await writeFile(at("hagrid/train_val_like/b.jpg"), "a like");
  await writeFile(at("hagrid/other/c.jpg"), "no gesture");
  await writeFile(at("hagrid/set/palm/notes.txt"), "no frame");
  await writeFile(at("hagrid-sibling/palm/s.jpg"), "secret");
  await symlink(at("hagrid-sibling/palm/s.jpg"), at("hagrid/set/palm/link.jpg"));
  await symlink(at("hagrid-sibling/palm"), at("hagrid/fist"));
  const options = { roots: [at("given")], version: "1.0.0", port: 0 };
  served = await serve({ ...options, hagrid: at("hagrid") });
  plain = await serve(options);
});
afterAll(async () => {
  await served.close();
  await plain.close();
  await rm(root, { recursive: true });
});

async function ask(path: string, server = served) {
  const token = new URL(server.url).searchParams.get("token")!;
  const headers = { cookie: `facehand-${server.port}=${token}` };
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers });
  return { status: answer.status, body: await answer.text() };
}

describe("frames", () => {
  it("are sent by gesture and name, also out of the first HaGRID's folders", async () => {
    expect(await ask(ROUTES.frame("palm", "a.jpg"))).toEqual({ status: 200, body: "a palm" });
    expect(await ask(ROUTES.frame("like", "b.jpg"))).toEqual({ status: 200, body: "a like" });
    expect((JSON.parse((await ask(ROUTES.things())).body) as Listing).frames).toBe(true);
  });

  it.each([
    ["palm", "notes.txt"],
    ["palm", "link.jpg"],
    ["palm", "../palm/a.jpg"],
    ["palm", "..%2Fpalm%2Fa.jpg"],
    ["palm", "A.jpg"],
    ["fist", "s.jpg"],
    ["other", "c.jpg"],
    ["set/palm", "a.jpg"],
    ["../hagrid-sibling/palm", "s.jpg"],
  ])("are not anything else: %s %s", async (gesture, name) => {
    const { status, body } = await ask(ROUTES.frame(gesture, name));
    expect([status, JSON.parse(body).error.code]).toEqual([404, "FRAME"]);
  });

  it("are found when they are added, and gone when they are taken away", async () => {
    await rm(at("hagrid/train_val_like/b.jpg"));
    expect((await ask(ROUTES.frame("like", "b.jpg"))).status).toBe(404);
  });

  it("are none without --hagrid, nor without the token", async () => {
    expect((await ask(ROUTES.frame("palm", "a.jpg"), plain)).status).toBe(404);
    expect((JSON.parse((await ask(ROUTES.things(), plain)).body) as Listing).frames).toBe(false);
    const bare = await fetch(`http://127.0.0.1:${served.port}${ROUTES.frame("palm", "a.jpg")}`);
    expect(bare.status).toBe(401);
  });
});
