import { expect, test } from "bun:test";
import { productCommand } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

/** Types one key at the first question of `login`, on a terminal. */
async function typeAtLogin(key: string): Promise<{ exitCode: number; screen: string }> {
  await using space = await Workspace.open("prompt");
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({}) });
  space.defer(() => server.stop(true));
  let screen = "";
  let asked = false;
  const child = Bun.spawn(productCommand(["login", "--domain", `http://127.0.0.1:${server.port}`]), {
    env: { PATH: process.env.PATH, HOME: space.path, XDG_CONFIG_HOME: space.join("config"), TERM: "xterm" },
    terminal: {
      data(terminal, data) {
        screen += new TextDecoder().decode(data);
        if (asked || !screen.includes("E-mail")) return;
        asked = true;
        terminal.write(key);
      },
    },
  });
  return { exitCode: await child.exited, screen };
}

test("Ctrl-C at a question ends with 130 and says nothing more", async () => {
  const { exitCode, screen } = await typeAtLogin("\u0003");
  expect(exitCode).toBe(130);
  expect(screen).not.toContain("sallyport:");
});

test("Ctrl-D at a question says how to do without one", async () => {
  const { exitCode, screen } = await typeAtLogin("\u0004");
  expect(exitCode).toBe(2);
  expect(screen).toContain("There was no answer: give an API token with --token-file");
});
