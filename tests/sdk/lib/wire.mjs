// One request and its answer, with nothing in between that would repair either.
import http from "node:http";
import https from "node:https";

export function send(base, method, target, headers = {}, body = undefined) {
  const url = new URL(base);
  const client = url.protocol === "https:" ? https : http;
  const options = { host: "localhost", port: url.port, method, path: target, headers };
  if (headers.Host && client === https) options.servername = headers.Host;
  return new Promise((resolve, reject) => {
    const request = client.request(options, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({
          status: answer.statusCode,
          headers: answer.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

export async function control(method, place, body) {
  const url = new URL(`${process.env.KP_EMULATOR_CONTROL}/${place}`);
  const answer = await send(url, method, url.pathname, {}, body && JSON.stringify(body));
  if (answer.status !== 200) throw new Error(answer.text);
  return JSON.parse(answer.text);
}
