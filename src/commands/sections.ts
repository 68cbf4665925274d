/** How `sallyport --help` sorts the commands, from what a newcomer needs first. */
export const SECTIONS: readonly { title: string; nouns: string[] }[] = [
  { title: "Try it", nouns: ["quickstart"] },
  { title: "Run it", nouns: ["platform", "relay", "gateway", "ca"] },
  { title: "Reach things", nouns: ["login", "logout", "connect", "resource"] },
  {
    title: "Decide who may",
    nouns: ["org", "user", "role", "identity", "token", "pool", "authorities"],
  },
  { title: "See what is and was", nouns: ["doctor", "audit", "alert"] },
  { title: "This program", nouns: ["completions", "version"] },
];
