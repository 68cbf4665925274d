import { afterAll, beforeAll, expect, test } from "bun:test";
import { startPlatform } from "../../support/platform-network.ts";
import { runProduct } from "../../support/processes.ts";
import { isSignedWith, WebhookReceiver } from "../../support/webhook-receiver.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let receiver: WebhookReceiver;
let run: (words: string) => ReturnType<typeof runProduct>;
beforeAll(async () => {
  space = await Workspace.open("alert-commands");
  receiver = await WebhookReceiver.open(space);
  const network = await startPlatform(space);
  const env = { SALLYPORT_TOKEN: network.token, SALLYPORT_DOMAIN: network.client.domain };
  const home = await space.directory("admin");
  run = (words) => runProduct(words.split(" "), { home, env });
});
afterAll(() => space.close());

async function ok(words: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(words);
  expect([words, exitCode, stderr]).toEqual([words, 0, expect.any(String)]);
  return stdout;
}

test("alert create prints the secret once; test, list, history and delete do what they say", async () => {
  const ca = await space.file("ca.pem", receiver.authority);
  const secret = (
    await ok(
      `alert create ops --webhook ${receiver.url} --webhook-ca ${ca} --rule relay-unhealthy --after 2m`,
    )
  ).trim();
  expect(secret).toStartWith("sps_");
  await ok("alert test ops");
  const [arrived] = receiver.received;
  expect(arrived && isSignedWith(secret, arrived)).toBe(true);
  const listed = await ok("alert list");
  expect(listed).toContain(receiver.url);
  expect(listed).toContain("120s");
  expect(listed).not.toContain(secret);
  expect(JSON.parse(await ok("alert history --open --json"))).toEqual({ alerts: [], next: null });
  receiver.answer = () => new Response("", { status: 503 });
  const refused = await run("alert test ops");
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("answered 503")]);
  await ok("alert delete ops");
  expect((await run("alert test ops")).exitCode).toBe(1);
});

test("a destination needs exactly one of --webhook and --log", async () => {
  for (const words of ["alert create x", `alert create x --log --webhook ${receiver.url}`]) {
    expect((await run(words)).exitCode).toBe(2);
  }
});
