import { beforeEach, describe, expect, test } from "bun:test";
import { MachineAccess } from "../../../src/platform-client/login/machine-access.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const MINUTE = 60_000;

describe("the access of what logs in by its machine", () => {
  let clock: FakeClock;
  let kept: string | undefined;
  let good: string;
  let logins: number;
  let failure: SallyportError | undefined;
  let access: MachineAccess;

  beforeEach(() => {
    clock = new FakeClock();
    kept = undefined;
    good = "";
    logins = 0;
    failure = undefined;
    access = new MachineAccess({
      clock,
      log: silentLogger,
      kept: {
        read: async () => kept,
        write: async (token) => {
          kept = token;
        },
      },
      login: async () => {
        if (failure) throw failure;
        good = `token-${++logins}`;
        return { accessToken: good };
      },
    });
  });

  const call = () =>
    access.call(async () => {
      if (access.token() === good) return "done";
      throw new SallyportError("UNAUTHENTICATED", "revoked");
    });

  test("a first start logs in and keeps the token; the next start uses it", async () => {
    await access.open();
    expect(kept).toBe("token-1");
    good = "token-1";
    await access.open();
    expect(logins).toBe(1);
    expect(await call()).toBe("done");
  });

  test("a kept token that is refused makes it log in at once, once for all callers", async () => {
    kept = "old";
    await access.open();
    expect(await Promise.all([call(), call(), call()])).toEqual(["done", "done", "done"]);
    expect(logins).toBe(1);
    expect(kept).toBe("token-1");
  });

  test("F3 it takes the gateway back once a minute at most, and ever more seldom", async () => {
    await access.open();
    const takenBackAfter: number[] = [];
    for (let round = 0; round < 3; round++) {
      good = "another host's";
      let minutes = 0;
      while (logins === round + 1) {
        await call().catch(() => undefined);
        if (logins > round + 1) break;
        await clock.advance(MINUTE);
        minutes++;
      }
      takenBackAfter.push(minutes);
    }
    expect(takenBackAfter).toEqual([1, 2, 4]);
  });

  test("after a login that held for long it logs in at once again", async () => {
    await access.open();
    await clock.advance(60 * MINUTE);
    good = "revoked";
    expect(await call()).toBe("done");
    expect(logins).toBe(2);
  });

  test("a login that fails is tried again a minute later, and its reason is the caller's", async () => {
    kept = "old";
    await access.open();
    failure = new SallyportError("PLATFORM_UNREACHABLE", "STS is away");
    await expect(call()).rejects.toThrow("STS is away");
    failure = undefined;
    await expect(call()).rejects.toThrow("revoked");
    await clock.advance(MINUTE);
    expect(await call()).toBe("done");
  });

  test("other errors are none of its business", async () => {
    await access.open();
    const away = new SallyportError("PLATFORM_UNREACHABLE", "away");
    await expect(access.call(() => Promise.reject(away))).rejects.toBe(away);
    expect(logins).toBe(1);
  });
});
