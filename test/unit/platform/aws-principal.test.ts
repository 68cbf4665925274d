import { describe, expect, test } from "bun:test";
import {
  faultOfPattern,
  isAllowed,
  parsePrincipal,
} from "../../../src/platform/services/auth-methods/aws-principal.ts";
import { matchesPattern } from "../../../src/platform/services/auth-methods/list.ts";

const ROLE = "arn:aws:sts::123456789012:assumed-role/office/i-0123";
const USER = "arn:aws:iam::123456789012:user/team/ops/alice";

function allows(pattern: string, arn: string): boolean {
  const principal = parsePrincipal(arn);
  if (!principal) throw new Error(`${arn} is nobody`);
  return isAllowed(principal, [pattern]);
}

describe("B8 who is allowed by an ARN pattern", () => {
  test.each([
    ["arn:aws:iam::123456789012:role/office", ROLE],
    ["arn:aws:iam::123456789012:role/a/path/office", ROLE],
    ["arn:aws:iam::123456789012:role/off*", ROLE],
    ["arn:aws:sts::123456789012:assumed-role/office", ROLE],
    ["arn:aws:sts::123456789012:assumed-role/office/*", ROLE],
    ["arn:aws:sts::123456789012:assumed-role/office/i-0123", ROLE],
    ["arn:aws:sts::123456789012:assumed-role/*/i-*", ROLE],
    ["arn:aws:iam::123456789012:*", ROLE],
    ["arn:aws:sts::123456789012:*", ROLE],
    ["arn:aws:iam::123456789012:user/alice", USER],
    ["arn:aws:iam::123456789012:user/team/ops/alice", USER],
    ["arn:aws:iam::123456789012:user/team/*", USER],
    ["arn:aws:iam::123456789012:user/*", USER],
    ["arn:aws:iam::123456789012:*", USER],
    ["arn:aws-us-gov:iam::123456789012:role/office", ROLE.replace("aws", "aws-us-gov")],
    ["arn:aws-cn:iam::123456789012:role/office", ROLE.replace("aws", "aws-cn")],
  ])("%s allows %s", (pattern, arn) => {
    expect(faultOfPattern(pattern)).toBeUndefined();
    expect(allows(pattern, arn)).toBe(true);
  });

  test.each([
    ["arn:aws:iam::123456789012:role/office-2", ROLE],
    ["arn:aws:iam::210987654321:role/office", ROLE],
    ["arn:aws-cn:iam::123456789012:role/office", ROLE],
    ["arn:aws:iam::123456789012:user/office", ROLE],
    ["arn:aws:iam::123456789012:user/*", ROLE],
    ["arn:aws:sts::123456789012:role/office", ROLE],
    ["arn:aws:sts::123456789012:assumed-role/office/i-9", ROLE],
    ["arn:aws:iam::123456789012:role/*", USER],
    ["arn:aws:sts::123456789012:*", USER],
    ["arn:aws:iam::123456789012:user/other/*", USER],
    ["arn:aws:iam::123456789012:user/team", USER],
    ["arn:aws:iam::123456789012:user/bob", USER],
    ["arn:aws:iam::123456789012:user/a.ice", USER],
  ])("%s does not allow %s", (pattern, arn) => expect(allows(pattern, arn)).toBe(false));

  test("a session that calls itself like another role is not taken for it", () => {
    const evil = "arn:aws:sts::123456789012:assumed-role/low/x-admin";
    expect(allows("arn:aws:sts::123456789012:assumed-role/*admin", evil)).toBe(false);
    expect(allows("arn:aws:iam::123456789012:role/*admin", evil)).toBe(false);
    expect(allows("arn:aws:iam::123456789012:role/admin", evil)).toBe(false);
  });

  test.each([
    "arn:aws:iam::123456789012:role/team/*",
    "arn:aws:iam::123456789012:role/*/office",
    "arn:aws:iam::*:role/office",
    "arn:aws:iam::12345:role/office",
    "arn:*:iam::123456789012:role/office",
    "arn:aws:s3:::bucket",
    "arn:aws:iam::123456789012:root",
    "arn:aws:iam::123456789012:role/",
    "*",
    "role/office",
  ])("%s can't be kept", (pattern) => expect(faultOfPattern(pattern)).toBeString());

  test.each([
    "arn:aws:iam::123456789012:root",
    "arn:aws:sts::123456789012:federated-user/alice",
    "arn:aws:iam::123456789012:role/office",
    "arn:aws:iam::123:user/x",
    `${ROLE}\n`,
    "",
  ])("%j is nobody who can log in", (arn) => expect(parsePrincipal(arn)).toBeUndefined());

  test("a pattern of wildcards takes no time to speak of", () => {
    const began = performance.now();
    for (let i = 0; i < 20; i++)
      expect(matchesPattern("*a".repeat(1000), `${"a".repeat(1200)}b`)).toBe(false);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
