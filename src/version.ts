import manifest from "../package.json" with { type: "json" };

/** The version of this build, as `sallyport --version` prints it. */
export const VERSION: string = manifest.version;
