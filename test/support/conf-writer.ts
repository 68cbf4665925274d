import { writeConf } from "../../src/host/conf-file.ts";

/** Writes the conf at argv[2] with 1, 2, 3 ... until it is killed; says so after the first time. */
const [, , path = ""] = process.argv;
for (let generation = 1; ; generation++) {
  const token = String(generation).padStart(8, "0").repeat(500);
  await writeConf(
    path,
    new Map([
      ["INFISICAL_GATEWAY_NAME", "edge"],
      ["INFISICAL_GATEWAY_ACCESS_TOKEN", token],
      ["INFISICAL_GATEWAY_ID", String(generation)],
    ]),
  );
  if (generation === 1) process.stdout.write("writing\n");
}
