import { expect, test } from "bun:test";
import { type ChannelHost, SshChannel } from "../../../../src/tunnel/ssh/channel.ts";
import { DEFAULT_LIMITS, OWN_MAX_PACKET } from "../../../../src/tunnel/ssh/limits.ts";
import { MESSAGE } from "../../../../src/tunnel/ssh/messages.ts";
import { ReceiveWindow, WindowBudget } from "../../../../src/tunnel/ssh/window.ts";
import { StreamProbe } from "../../../support/stream-probe.ts";

interface Line extends ChannelHost {
  peerIsSallyport: boolean;
  mayTransmit: boolean;
  /** Message numbers sent. */
  sent: number[];
  bytes: number;
  forgotten: SshChannel[];
}

function line(o: Partial<Line> = {}): Line {
  const host: Line = {
    peerIsSallyport: true,
    maxPacket: OWN_MAX_PACKET,
    mayTransmit: true,
    clear: null,
    sent: [],
    bytes: 0,
    forgotten: [],
    send: (payload) => void host.sent.push(payload[0] ?? 0),
    sendData(_channel, _data, _start, length) {
      host.sent.push(MESSAGE.channelData);
      host.bytes += length;
    },
    enqueue: (channel) => {
      if (host.mayTransmit) channel.transmit();
    },
    forget: (channel) => void host.forgotten.push(channel),
    ...o,
  };
  return host;
}

function channelOn(host: ChannelHost, budget = new WindowBudget()): SshChannel {
  const window = ReceiveWindow.reserve({
    budget,
    limits: DEFAULT_LIMITS,
    peerIsSallyport: true,
    now: () => 0,
  });
  if (!window) throw new Error("no window");
  return new SshChannel(host, 3, window, { id: 9, window: 1 << 20, maxPacket: 32 * 1024 });
}

test("CHANNEL_CLOSE without an end before it is an error between our own ends", async () => {
  const host = line();
  const channel = channelOn(host);
  const probe = new StreamProbe(channel);
  channel.peerClosed();
  expect(await probe.closed).toBeInstanceOf(Error);
  expect([probe.ended, host.sent, host.forgotten]).toEqual([false, [MESSAGE.channelClose], [channel]]);
});

test("a connection that is lost by a write of ours is the last that is told", async () => {
  const told: string[] = [];
  const host = line({ sendData: () => channel.lost(new Error("gone")) });
  const channel = channelOn(host);
  channel.attach({
    data() {},
    end() {},
    written: (bytes) => void told.push(`written ${bytes}`),
    closed: () => void told.push("closed"),
  });
  channel.write(Buffer.alloc(100_000));
  channel.end();
  expect(told).toEqual(["written 100000", "closed"]);
  expect(host.sent).toEqual([]);
});

test("from others CHANNEL_CLOSE is an ordinary end, after all bytes", async () => {
  const host = line({ peerIsSallyport: false });
  const channel = channelOn(host);
  channel.received(Buffer.from("last words"));
  channel.peerClosed();
  const probe = new StreamProbe(channel, "keep");
  expect(await probe.closed).toBeNull();
  expect([probe.text, probe.ended, host.sent]).toEqual(["last words", true, [MESSAGE.channelClose]]);
});

test("CHANNEL_EOF is sent once, after the data, and CHANNEL_CLOSE only after both ends have ended", async () => {
  const host = line({ mayTransmit: false });
  const channel = channelOn(host);
  const probe = new StreamProbe(channel);
  channel.write(Buffer.from("data"));
  channel.end();
  channel.end();
  expect(host.sent).toEqual([]);
  host.mayTransmit = true;
  channel.transmit();
  expect(host.sent).toEqual([MESSAGE.channelData, MESSAGE.channelEof]);
  channel.peerEnded();
  expect(host.sent.at(-1)).toBe(MESSAGE.channelClose);
  expect(await probe.closed).toBeNull();
  expect(host.forgotten).toEqual([]);
  channel.peerClosed();
  expect(host.forgotten).toEqual([channel]);
  expect(host.sent).toHaveLength(3);
});

test("no credit is returned once the peer has ended or the channel is closed", () => {
  const host = line();
  const channel = channelOn(host);
  channel.received(Buffer.alloc(100_000));
  channel.peerEnded();
  channel.consumed(100_000);
  expect(host.sent).toEqual([]);
});

test("what is written after the end or the close is dropped, and reported while somebody listens", () => {
  const host = line();
  const channel = channelOn(host);
  const probe = new StreamProbe(channel);
  channel.end();
  channel.write(Buffer.alloc(5));
  expect(probe.written).toBe(5);
  channel.destroy();
  channel.write(Buffer.alloc(5));
  expect([probe.written, host.bytes]).toEqual([5, 0]);
});

test("one turn is 256 KiB, then the channel goes to the end of the line", () => {
  const turns: number[] = [];
  const host = line({
    enqueue: () => {
      turns.push(host.bytes);
    },
  });
  const channel = channelOn(host);
  channel.write(Buffer.alloc(600_000));
  for (let i = 0; i < 3; i++) channel.transmit();
  expect(turns).toEqual([0, 256 * 1024, 512 * 1024]);
  expect(host.bytes).toBe(600_000);
});

test("a channel gives its window back to the budget exactly once", () => {
  const budget = new WindowBudget();
  const channel = channelOn(line(), budget);
  expect(budget.used).toBe(256 * 1024);
  channel.destroy();
  channel.peerClosed();
  channel.lost(new Error("gone"));
  expect(budget.used).toBe(0);
});
