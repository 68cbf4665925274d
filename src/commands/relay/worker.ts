import { command } from "../command.ts";

export default command({
  name: "worker",
  description: "One of the processes of relay start --workers, which starts it",
  hidden: true,
  async run() {
    const { runRelayWorker } = await import("../../relay/workers/worker.ts");
    await runRelayWorker();
  },
});
