#!/usr/bin/env node
// Microsoft's client as a yardstick: unwraps, as many at once as the job says. Jobs and answers are
// those of bench/yardsticks/job.h. It may not read the key, so that it asks the server each time.
import readline from "node:readline";

import { CryptographyClient } from "@azure/keyvault-keys";

const WARM_UP_DIVISOR = 5;
const TOKEN_LIFE_MS = 86400000;

// A token at hand: fetching one is not what is measured.
const credential = {
  getToken: async () => ({
    token: "t".repeat(1000),
    expiresOnTimestamp: Date.now() + TOKEN_LIFE_MS,
  }),
};
const { port } = new URL(process.env.KP_BENCH_H1);
const key = `https://localhost:${port}/keys/tde-master-key/00000000000000000000000000000001`;
const client = new CryptographyClient(key, credential, {
  disableChallengeResourceVerification: true,
  retryOptions: { maxRetries: 0 },
});
const wrapped = new Uint8Array(256).fill(4);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const cpuUs = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function run(size, ms) {
  let done = 0;
  let stop = false;
  const caller = async () => {
    for (; !stop; done++) await client.unwrapKey("RSA-OAEP-256", wrapped);
  };
  const callers = Promise.all(Array.from({ length: size }, caller));
  await Promise.race([sleep(ms / WARM_UP_DIVISOR), callers]);
  const before = { done, cpu: cpuUs(), at: process.hrtime.bigint() };
  await Promise.race([sleep(ms), callers]);
  const wall = process.hrtime.bigint() - before.at;
  const answer = `${done - before.done} ${wall} ${Math.round((cpuUs() - before.cpu) * 1000)} 0 0 0`;
  stop = true;
  await callers;
  return answer;
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [, size, , ms] = line.split(" ").map(Number);
  console.log(await run(size, ms));
}
