import { describe, expect, test } from "bun:test";
import { chooseRelays, type RelayChoice } from "../../../src/pki/offline/choose-relays.ts";
import type { IssuedRelay } from "../../../src/pki/offline/ledger.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";

function relay(name: string, host: string, sshPort = 2222): IssuedRelay {
  const id = "6f1c2d3e-0000-4000-8000-000000000001";
  return { id, name, host, sshPort, tlsPort: 8443, directory: "/r", certificates: [] };
}

const relays = [
  relay("alone", "a.example"),
  relay("first", "b.example"),
  relay("second", "b.example", 443),
  relay("six", "2001:db8::7"),
];

function choose(choice: Partial<RelayChoice>): string[] | string {
  try {
    const chosen = chooseRelays({ relays }, { names: [], hosts: [], ...choice });
    return chosen.map(({ relayName, host, sshPort }) => `${relayName} ${host} ${sshPort}`);
  } catch (error) {
    if (error instanceof SallyportError) return error.code;
    throw error;
  }
}

const at = (host: string, sshPort?: number) => ({ host, sshPort });

describe("the relays of a gateway", () => {
  for (const [what, choice, result] of [
    ["are known by their host", { hosts: [at("a.example")] }, ["alone a.example 2222"]],
    ["are known by their host and port", { hosts: [at("b.example", 443)] }, ["second b.example 443"]],
    ["are known by an IPv6 address", { hosts: [at("2001:db8::7")] }, ["six 2001:db8::7 2222"]],
    ["are told apart by name", { hosts: [at("b.example")], names: ["first"] }, ["first b.example 2222"]],
    ["may be named alone", { names: ["second"] }, ["second b.example 443"]],
    [
      "may be several",
      { hosts: [at("a.example"), at("b.example", 443)] },
      ["alone a.example 2222", "second b.example 443"],
    ],
    [
      "may be of somewhere else when both are said",
      { hosts: [at("c.example", 2022)], names: ["elsewhere"] },
      ["elsewhere c.example 2022"],
    ],
    ["must be said", {}, "USAGE"],
    ["must be unambiguous", { hosts: [at("b.example")] }, "USAGE"],
    ["must be known or named", { hosts: [at("c.example")] }, "NOT_FOUND"],
    ["must be known when only named", { names: ["elsewhere"] }, "NOT_FOUND"],
    ["may not repeat", { names: ["alone", "alone"] }, "USAGE"],
    ["may not be named for nothing", { hosts: [at("a.example")], names: ["first"] }, "USAGE"],
    ["B4 must have names of relays", { names: ["../x"] }, "NAME_INVALID"],
  ] as const) {
    test(what, () => {
      const {
        hosts = [],
        names = [],
      }: { hosts?: readonly ReturnType<typeof at>[]; names?: readonly string[] } = choice;
      expect(choose({ hosts: [...hosts], names: [...names] })).toEqual(
        typeof result === "string" ? result : [...result],
      );
    });
  }

  test("are at most four", () => {
    const many = ["a", "b", "c", "d", "e"].map((name) => relay(name, `${name}.example`));
    const names = many.map(({ name }) => name);
    expect(() => chooseRelays({ relays: many }, { names, hosts: [] })).toThrow("at most 4");
  });

  test("that are at this host, but not on this port, are said with the ports that they have", () => {
    const wrong = () => chooseRelays({ relays }, { names: [], hosts: [at("b.example", 8443)] });
    expect(wrong).toThrow("no relay at b.example:8443 (a port is the one for SSH, there 2222 or 443)");
  });
});
