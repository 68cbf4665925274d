import { heapStats } from "bun:jsc";
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import type { Sample } from "./judge.ts";

/** Loaded into each process that is soaked: after SIGUSR2 it collects its garbage and writes what is left to a file. */
const FILE = process.env.SOAK_SAMPLE_FILE;

process.on("SIGUSR2", () => {
  if (FILE === undefined) return;
  Bun.gc(true);
  const { heapSize, objectTypeCounts: count } = heapStats();
  const sample: Sample = {
    rssMB: process.memoryUsage.rss() / MB,
    heapMB: heapSize / MB,
    // The listing has one of its own.
    descriptors: readdirSync("/proc/self/fd").length - 1,
    timers: count.Timeout ?? 0,
    sockets: (count.TCPSocket ?? 0) + (count.TLSSocket ?? 0),
    promises: count.Promise ?? 0,
    functions: count.Function ?? 0,
  };
  writeFileSync(`${FILE}.new`, JSON.stringify(sample));
  renameSync(`${FILE}.new`, FILE);
});

const MB = 1024 * 1024;
