import { describe, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { GATEWAY_LIMITS } from "../../src/gateway/limits.ts";
import { RELAY_LIMITS } from "../../src/relay/limits.ts";
import { CODES } from "../../src/telemetry/codes.ts";
import { CONDITIONS } from "../../src/telemetry/condition-codes.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";

const ROOT = join(import.meta.dir, "../..");
const reference = await Bun.file(join(ROOT, "docs/reference.md")).text();

test.each([...RELAY_LIMITS, ...GATEWAY_LIMITS].map((limit) => [limit.name, limit] as const))(
  "the reference's table has the limit %s as it is",
  (_, { name, standard, unit, meaning }) => {
    expect(reference).toContain(`| \`${name}\` | ${standard} ${unit} | ${meaning} |`);
  },
);

test("every link from one document to another leads to a file and a heading that exist", async () => {
  const documents = ["README.md", "docs/guide.md", "docs/operating.md", "docs/reference.md"];
  const broken: string[] = [];
  for (const document of documents) {
    const text = await Bun.file(join(ROOT, document)).text();
    for (const [, link = ""] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = "", anchor] = link.split("#");
      const file = Bun.file(join(ROOT, dirname(document), path));
      const headings = (await file.exists()) ? ((await file.text()).match(/^#+ .*$/gm) ?? []) : undefined;
      const found = anchor === undefined || headings?.some((heading) => anchorOf(heading) === anchor);
      if (headings === undefined || !found) broken.push(`${document}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
});

/** As GitHub makes them. */
function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, "")
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

test("every code that the reference explains exists", () => {
  const table = reference.slice(reference.indexOf("| code |"), reference.indexOf("## Conditions"));
  const cells = table.split("\n").map((row) => row.split("|")[1] ?? "");
  const named = [...cells.join().matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map((match) => match[1] ?? "");
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((code) => !Object.hasOwn(CODES, code))).toEqual([]);
});

test.each([
  ["bash", "sallyport.bash"],
  ["zsh", "_sallyport"],
  ["fish", "sallyport.fish"],
])("the %s completions in the repository are those of this program", async (shell, file) => {
  const run = Bun.spawnSync([process.execPath, "src/main.ts", "completions", shell], { cwd: ROOT });
  expect(run.stdout.toString()).toBe(await Bun.file(join(ROOT, "completions", file)).text());
});

describe("packaging for Prometheus and Grafana", () => {
  const known = new Set(new Metrics().names());

  test.each(["prometheus-alerts.yml", "grafana-dashboard.json"])(
    "%s names only metrics that exist",
    async (file) => {
      const text = await Bun.file(join(ROOT, "packaging", file)).text();
      const named = text.match(/\b(?:sallyport|process)_[a-z_]+\b/g) ?? [];
      expect(named.length).toBeGreaterThan(10);
      expect(named.filter((name) => !known.has(name))).toEqual([]);
    },
  );

  test("every metric of ours is on the dashboard", async () => {
    const dashboard = await Bun.file(join(ROOT, "packaging/grafana-dashboard.json")).text();
    expect([...known].filter((name) => !dashboard.includes(name))).toEqual([]);
  });

  test("the alert rules are YAML with an expression and a summary each", async () => {
    const file = Bun.file(join(ROOT, "packaging/prometheus-alerts.yml"));
    const { groups } = Bun.YAML.parse(await file.text()) as { groups: { rules: unknown[] }[] };
    const alerts = groups.flatMap(({ rules }) => rules);
    expect(alerts.length).toBeGreaterThan(5);
    for (const alert of alerts) {
      expect(alert).toMatchObject({
        alert: expect.stringMatching(/^Sallyport/),
        expr: expect.any(String),
        annotations: { summary: expect.any(String) },
      });
    }
  });
});

test("the reference lists every metric and every condition", () => {
  const missing = [...new Metrics().names(), ...Object.keys(CONDITIONS)].filter(
    (name) => !name.startsWith("process_") && !reference.includes(`\`${name}\``),
  );
  expect(missing).toEqual([]);
});
