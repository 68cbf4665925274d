/** Every `sallyport ...` of the shell blocks of a document, without what the shell itself does around it. */
export function commandLines(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  return blocks
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .flatMap((line) => {
      const found = /(?:^|sudo |\$\()(sallyport .*)/.exec(line.replace(/\s+#.*$/, ""));
      return found?.[1] ? [found[1].replace(/\)$/, "")] : [];
    });
}

/** Words as a shell splits them, quotes taken off; what comes after `>` is not the command's. */
export function shellWords(line: string): string[] {
  const [command = ""] = line.split(" > ");
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => {
    return single ?? double ?? plain ?? "";
  });
}
