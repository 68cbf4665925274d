import { expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { prepareFromDirectory } from "../../../src/relay/prepare.ts";
import { relaySettings } from "../../../src/relay/settings.ts";
import { makeOfflineCa } from "../../support/offline-ca.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { Workspace } from "../../support/workspace.ts";

test("a relay's keys that everybody can read are named, with the command that ends it", async () => {
  await using space = await Workspace.open("pki-relay");
  const { directory } = await (await makeOfflineCa(space, "main")).relay("edge", {
    host: "edge.example.com",
  });
  const record = recordedLog();
  const prepare = () =>
    prepareFromDirectory(
      directory,
      relaySettings({ exempt: [], insecureHttp: false }, new Map(), {}),
      record.log,
    );
  await prepare();
  expect(record.text()).toBe("");
  const keys = [join(directory, "tls-key.pem"), join(directory, "ssh-host-key")];
  for (const key of keys) await chmod(key, 0o644);
  await prepare();
  expect(record.lines).toHaveLength(1);
  expect(record.text()).toContain(`chmod 600 ${keys.join(" ")}`);
});
