import type { Service } from "./service.ts";

/** The job's name for launchctl. */
export function launchdLabel({ role, name }: Pick<Service, "role" | "name">): string {
  return `org.sallyport.${role}.${name}`;
}

/**
 * The property list of a launchd job. launchd has no readiness, no credentials and no users on demand: the job runs as
 * whoever installed it and reads the 0600 conf itself.
 */
export function launchdPlist(service: Service, logPath: string): string {
  const words = [service.executable, ...service.args].map((word) => `    <string>${xml(word)}</string>`);
  const variables = Object.entries(service.environment).map(
    ([key, value]) => `    <key>${xml(key)}</key>\n    <string>${xml(value)}</string>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xml(launchdLabel(service))}</string>
  <key>ProgramArguments</key>
  <array>
${words.join("\n")}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join("")}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>ExitTimeOut</key>
  <integer>${Math.ceil(service.drainSeconds) + 15}</integer>
  <key>ProcessType</key>
  <string>Background</string>
  <key>Umask</key>
  <integer>63</integer>
  <key>SoftResourceLimits</key>
  <dict>
    <key>Core</key>
    <integer>0</integer>
    <key>NumberOfFiles</key>
    <integer>65536</integer>
  </dict>
  <key>StandardErrorPath</key>
  <string>${xml(logPath)}</string>
</dict>
</plist>
`;
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

function xml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
