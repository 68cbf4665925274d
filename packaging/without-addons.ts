import type { BunPlugin } from "bun";

/**
 * ssh2 works without its native parts. They would be there only where a compiler was when it was installed, be code for
 * that machine alone, and be unpacked into the temporary directory of whoever runs the binary.
 */
export const WITHOUT_ADDONS: BunPlugin = {
  name: "without addons",
  setup(builder) {
    builder.onResolve({ filter: /\.node$|^cpu-features$/ }, ({ path }) => ({ path, namespace: "addon" }));
    builder.onLoad({ filter: /./, namespace: "addon" }, ({ path }) => ({
      contents: `throw new Error("${path} is left out");`,
      loader: "js",
    }));
  },
};
