// Microsoft's own client against the emulator: what it accepts, the emulator answers as the service
// does, as far as that client looks. Runs inside `kp-emulator --ephemeral`.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import test from "node:test";

import { ClientCertificateCredential, ClientSecretCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";

const env = process.env;
const POLL = { intervalInMs: 20 };
const login = { authorityHost: env.AZURE_AUTHORITY_HOST, disableInstanceDiscovery: true };
const options = {
  disableChallengeResourceVerification: true,
  retryOptions: { maxRetries: 2, retryDelayInMs: 1, maxRetryDelayInMs: 5 },
};

const bySecret = (secret = env.AZURE_CLIENT_SECRET) =>
  new ClientSecretCredential(env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID, secret, login);
const byCertificate = () =>
  new ClientCertificateCredential(
    env.AZURE_TENANT_ID,
    env.AZURE_CLIENT_ID,
    { certificatePath: env.KP_EMULATOR_CLIENT_CERTIFICATE },
    login,
  );

const credential = bySecret();
const vault = new KeyClient(env.KP_EMULATOR_VAULT, credential, options);
const hsm = new KeyClient(env.KP_EMULATOR_HSM, credential, options);
const using = (key) => new CryptographyClient(key.id, credential, options);

let made = 0;
const fresh = (prefix) => `${prefix}-${++made}`;

async function collect(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

async function control(method, place, body) {
  const answer = await fetch(`${env.KP_EMULATOR_CONTROL}/${place}`, {
    method,
    body: body && JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

// A client whose tokens are of the emulator's present time.
async function movedBy(days, url, work) {
  await control("POST", "clock", { advance_s: days * 86400 });
  try {
    await work(new KeyClient(url, bySecret(), options));
  } finally {
    await control("POST", "clock", { advance_s: -days * 86400 });
  }
}

const fails = (status, code) => (error) => {
  assert.equal(error.statusCode, status, error.message);
  if (code) assert.equal(error.code ?? error.details?.error?.code, code);
  return true;
};

// ---- Identity ----

test("a client secret opens the vault", async () => {
  const key = await vault.createRsaKey(fresh("secret"));
  assert.equal(key.keyType, "RSA");
});

test("a certificate opens the vault", async () => {
  const client = new KeyClient(env.KP_EMULATOR_VAULT, byCertificate(), options);
  const key = await client.createEcKey(fresh("certificate"), { curve: "P-384" });
  assert.equal(key.key.crv, "P-384");
  assert.equal(key.key.x.length, 48);
});

test("a wrong secret is refused by its number", async () => {
  const client = new KeyClient(env.KP_EMULATOR_VAULT, bySecret("wrong"), options);
  await assert.rejects(client.getKey("any"), /7000215/);
});

test("an unknown application and tenant are refused", async () => {
  const stranger = new ClientSecretCredential(
    env.AZURE_TENANT_ID,
    "00000000-0000-0000-0000-000000000001",
    "x",
    login,
  );
  await assert.rejects(stranger.getToken("https://vault.azure.net/.default"), /700016/);
  const elsewhere = new ClientSecretCredential(
    "00000000-0000-0000-0000-000000000002",
    env.AZURE_CLIENT_ID,
    env.AZURE_CLIENT_SECRET,
    login,
  );
  await assert.rejects(elsewhere.getToken("https://vault.azure.net/.default"), /90002|Endpoints/);
});

test("a token for the vault does not open the Managed HSM", async () => {
  const token = await credential.getToken("https://vault.azure.net/.default");
  const answer = await fetch(`${env.KP_EMULATOR_HSM}/keys?api-version=7.6`, {
    headers: { authorization: `Bearer ${token.token}` },
  });
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("www-authenticate"), /resource="https:\/\/managedhsm.azure.net"/);
});

test("continuous access evaluation: one more token, then the answer", async () => {
  const key = await vault.createEcKey(fresh("cae"));
  await control("DELETE", "requests");
  await control("POST", "scenario", { rules: [{ kind: "get_key", fault: "cae" }] });
  assert.equal((await vault.getKey(key.name)).id, key.id);
  assert.equal((await control("GET", "requests")).token, 1);
});

// ---- Life of a key ----

for (const [mode, client] of Object.entries({ vault, hsm })) {
  test(`${mode}: create, get, update, versions, list`, async () => {
    const name = fresh("life");
    const first = await client.createRsaKey(name, {
      keySize: 3072,
      keyOps: ["wrapKey", "unwrapKey"],
      tags: { a: "b" },
      expiresOn: new Date(2035, 1, 1),
    });
    assert.equal(first.key.n.length, 384);
    assert.deepEqual(new Set(first.keyOperations), new Set(["wrapKey", "unwrapKey"]));
    assert.equal(first.keyType, mode === "hsm" ? "RSA-HSM" : "RSA");
    const second = await client.createRsaKey(name);
    assert.notEqual(second.properties.version, first.properties.version);
    assert.equal((await client.getKey(name)).id, second.id);
    assert.equal((await client.getKey(name.toUpperCase())).id, second.id);
    const old = await client.getKey(name, { version: first.properties.version });
    assert.deepEqual(Buffer.from(old.key.n), Buffer.from(first.key.n));
    assert.equal(old.properties.tags.a, "b");
    const changed = await client.updateKeyProperties(name, old.properties.version, {
      enabled: false,
      tags: { c: "d" },
    });
    assert.equal(changed.properties.enabled, false);
    assert.deepEqual({ ...changed.properties.tags }, { c: "d" });
    const versions = await collect(client.listPropertiesOfKeyVersions(name));
    assert.equal(versions.length, 2);
    const names = (await collect(client.listPropertiesOfKeys())).map((key) => key.name);
    assert.ok(names.includes(name));
  });

  test(`${mode}: delete, recover, purge`, async () => {
    const name = fresh("gone");
    const key = await client.createEcKey(name);
    const poller = await client.beginDeleteKey(name, POLL);
    const deleted = await poller.pollUntilDone();
    assert.equal(deleted.id, key.id);
    assert.ok(deleted.properties.scheduledPurgeDate > deleted.properties.deletedOn);
    await assert.rejects(client.getKey(name), fails(404, "KeyNotFound"));
    await assert.rejects(client.createEcKey(name), fails(409, "Conflict"));
    const listed = await collect(client.listDeletedKeys());
    assert.ok(listed.some((item) => item.name === name));
    const back = await (await client.beginRecoverDeletedKey(name, POLL)).pollUntilDone();
    assert.equal(back.id, key.id);
    await (await client.beginDeleteKey(name, POLL)).pollUntilDone();
    await client.purgeDeletedKey(name);
    await assert.rejects(client.getDeletedKey(name), fails(404, "KeyNotFound"));
    await client.createEcKey(name);
  });

  test(`${mode}: backup and restore keep versions`, async () => {
    const name = fresh("backup");
    const first = await client.createRsaKey(name);
    const second = await client.createRsaKey(name);
    const cipher = await using(first).encrypt("RSA-OAEP", Buffer.from("kept"));
    const blob = await client.backupKey(name);
    await assert.rejects(client.restoreKeyBackup(blob), fails(409, "Conflict"));
    await (await client.beginDeleteKey(name, POLL)).pollUntilDone();
    await client.purgeDeletedKey(name);
    const restored = await client.restoreKeyBackup(blob);
    assert.equal(restored.id, second.id);
    const plain = await using(first).decrypt("RSA-OAEP", cipher.result);
    assert.equal(Buffer.from(plain.result).toString(), "kept");
    blob[blob.length - 9] ^= 1;
    await assert.rejects(client.restoreKeyBackup(blob), fails(400));
  });

  test(`${mode}: pages`, async () => {
    const name = fresh("pages");
    for (let i = 0; i < 7; i++) await client.createEcKey(name);
    const sizes = [];
    for await (const page of client.listPropertiesOfKeyVersions(name).byPage({ maxPageSize: 3 }))
      sizes.push(page.length);
    assert.deepEqual(sizes, [3, 3, 1]);
  });

  test(`${mode}: rotation policy and rotation by the clock`, async () => {
    const name = fresh("rotate");
    const key = await client.createRsaKey(name);
    const policy = await client.updateKeyRotationPolicy(name, {
      expiresIn: "P90D",
      lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P30D" }],
    });
    assert.equal(policy.expiresIn, "P90D");
    assert.equal(policy.lifetimeActions[0].timeAfterCreate, "P30D");
    assert.equal((await client.getKeyRotationPolicy(name)).expiresIn, "P90D");
    const rotated = await client.rotateKey(name);
    assert.notEqual(rotated.id, key.id);
    const days = (rotated.properties.expiresOn - rotated.properties.createdOn) / 86400000;
    assert.ok(days >= 89 && days <= 91);
    await movedBy(31, client.vaultUrl, async (later) => {
      assert.notEqual((await later.getKey(name)).id, rotated.id);
    });
  });
}

test("the default rotation policy of a vault notifies", async () => {
  const key = await vault.createEcKey(fresh("policy"));
  const policy = await vault.getKeyRotationPolicy(key.name);
  assert.equal(policy.lifetimeActions[0].action, "Notify");
});

for (const [mode, client] of Object.entries({ vault, hsm })) {
  test(`${mode}: import, and what the key then does is what the key does here`, async () => {
    const pair = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
    const jwk = pair.privateKey.export({ format: "jwk" });
    const members = Object.fromEntries(
      ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map((m) => [m, Buffer.from(jwk[m], "base64url")]),
    );
    const key = await client.importKey(fresh("import"), { kty: "RSA", ...members });
    assert.equal(key.keyType, mode === "hsm" ? "RSA-HSM" : "RSA");
    const digest = crypto.createHash("sha256").update("signed").digest();
    const signed = await using(key).sign("PS256", digest);
    const padding = crypto.constants.RSA_PKCS1_PSS_PADDING;
    const publicKey = { key: pair.publicKey, padding, saltLength: 32 };
    assert.ok(crypto.verify("sha256", Buffer.from("signed"), publicKey, signed.result));
  });

  test(`${mode}: an imported EC key signs as the key does here`, async () => {
    const pair = crypto.generateKeyPairSync("ec", { namedCurve: "P-384" });
    const jwk = pair.privateKey.export({ format: "jwk" });
    const [x, y, d] = ["x", "y", "d"].map((m) => Buffer.from(jwk[m], "base64url"));
    const key = await client.importKey(fresh("import"), { kty: "EC", crv: "P-384", x, y, d });
    assert.equal(key.keyType, mode === "hsm" ? "EC-HSM" : "EC");
    const signed = await using(key).signData("ES384", Buffer.from("signed"));
    const publicKey = { key: pair.publicKey, dsaEncoding: "ieee-p1363" };
    assert.ok(crypto.verify("sha384", Buffer.from("signed"), publicKey, signed.result));
    const checked = await using(key).verifyData("ES384", Buffer.from("signed"), signed.result);
    assert.equal(checked.result, true);
  });
}

test("hsm: what an imported AES key wraps is opened here", async () => {
  const k = crypto.randomBytes(32);
  const key = await hsm.importKey(fresh("import"), { kty: "oct", k });
  assert.equal(key.keyType, "oct-HSM");
  const secret = crypto.randomBytes(32);
  const wrapped = await using(key).wrapKey("A256KW", secret);
  const cipher = crypto.createDecipheriv("id-aes256-wrap", k, Buffer.alloc(8, 0xa6));
  assert.deepEqual(Buffer.concat([cipher.update(wrapped.result), cipher.final()]), secret);
});

// ---- Use ----

const RSA_CRYPT = ["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"];
const RSA_SIGN = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const EC_SIGN = { "P-256": "ES256", "P-256K": "ES256K", "P-384": "ES384", "P-521": "ES512" };
const digestFor = (alg) =>
  crypto.createHash(`sha${/\d{3}/.exec(alg)[0]}`).update("data").digest();

for (const [mode, client] of Object.entries({ vault, hsm })) {
  test(`${mode}: RSA encrypts, wraps, signs`, async () => {
    const use = using(await client.createRsaKey(fresh("rsa")));
    const secret = crypto.randomBytes(32);
    for (const alg of RSA_CRYPT) {
      const cipher = await use.encrypt(alg, secret);
      assert.deepEqual(Buffer.from((await use.decrypt(alg, cipher.result)).result), secret, alg);
      const wrapped = await use.wrapKey(alg, secret);
      const unwrapped = await use.unwrapKey(alg, wrapped.result);
      assert.deepEqual(Buffer.from(unwrapped.result), secret, alg);
    }
    for (const alg of RSA_SIGN) {
      const signed = await use.sign(alg, digestFor(alg));
      assert.equal((await use.verify(alg, digestFor(alg), signed.result)).result, true, alg);
      signed.result[7] ^= 1;
      assert.equal((await use.verify(alg, digestFor(alg), signed.result)).result, false, alg);
    }
  });

  test(`${mode}: every curve signs`, async () => {
    for (const [curve, alg] of Object.entries(EC_SIGN)) {
      const use = using(await client.createEcKey(fresh("ec"), { curve }));
      const signed = await use.sign(alg, digestFor(alg));
      assert.equal((await use.verify(alg, digestFor(alg), signed.result)).result, true, alg);
    }
  });
}

test("hsm: AES encrypts and wraps", async () => {
  for (const bits of [128, 192, 256]) {
    const use = using(await hsm.createOctKey(fresh("oct"), { keySize: bits }));
    const plaintext = crypto.randomBytes(48);
    const additionalAuthenticatedData = Buffer.from("aad");
    const gcm = `A${bits}GCM`;
    const sealed = await use.encrypt({ algorithm: gcm, plaintext, additionalAuthenticatedData });
    const opened = await use.decrypt({
      algorithm: gcm,
      ciphertext: sealed.result,
      iv: sealed.iv,
      authenticationTag: sealed.authenticationTag,
      additionalAuthenticatedData,
    });
    assert.deepEqual(Buffer.from(opened.result), plaintext);
    for (const cbc of [`A${bits}CBC`, `A${bits}CBCPAD`]) {
      const boxed = await use.encrypt({ algorithm: cbc, plaintext, iv: crypto.randomBytes(16) });
      const plain = await use.decrypt({ algorithm: cbc, ciphertext: boxed.result, iv: boxed.iv });
      assert.deepEqual(Buffer.from(plain.result), plaintext, cbc);
    }
    for (const alg of [`A${bits}KW`, "CKM_AES_KEY_WRAP", "CKM_AES_KEY_WRAP_PAD"]) {
      const wrapped = await use.wrapKey(alg, plaintext);
      const unwrapped = await use.unwrapKey(alg, wrapped.result);
      assert.deepEqual(Buffer.from(unwrapped.result), plaintext, alg);
    }
  }
});

test("hsm: HMAC signs what it is given", async () => {
  const k = crypto.randomBytes(64);
  const use = using(await hsm.importKey(fresh("hmac"), { kty: "oct", k }));
  for (const alg of ["HS256", "HS384", "HS512"]) {
    const digest = digestFor(alg);
    const signed = await use.sign(alg, digest);
    const hash = `sha${/\d{3}/.exec(alg)[0]}`;
    const expected = crypto.createHmac(hash, k).update(digest).digest();
    assert.deepEqual(Buffer.from(signed.result), expected, alg);
    assert.equal((await use.verify(alg, digest, signed.result)).result, true, alg);
    signed.result[7] ^= 1;
    assert.equal((await use.verify(alg, digest, signed.result)).result, false, alg);
  }
});

test("hsm: a key attests", async () => {
  const key = await hsm.createRsaKey(fresh("attested"));
  const attested = await hsm.getKeyAttestation(key.name);
  assert.equal(attested.id, key.id);
  assert.ok(attested.properties.attestation.certificatePemFile.length > 0);
});

test("hsm: a rotation needs a policy, which rotates and keeps its distances", async () => {
  const { name } = await hsm.createEcKey(fresh("rules"));
  await assert.rejects(hsm.rotateKey(name), fails(400));
  const refused = (lifetimeActions) => {
    const policy = { expiresIn: "P90D", lifetimeActions };
    return assert.rejects(hsm.updateKeyRotationPolicy(name, policy), fails(400));
  };
  await refused([{ action: "Notify", timeBeforeExpiry: "P30D" }]);
  await refused([{ action: "Rotate", timeAfterCreate: "P27D" }]);
  await refused([{ action: "Rotate", timeBeforeExpiry: "P63D" }]);
});

test("hsm: random bytes, which a vault has not", async () => {
  assert.equal((await hsm.getRandomBytes(33)).length, 33);
  await assert.rejects(hsm.getRandomBytes(129), fails(400, "BadParameter"));
  await assert.rejects(vault.getRandomBytes(8), fails(404));
});

// ---- Keys on the move ----

const OAEP = {
  CKM_RSA_AES_KEY_WRAP: "sha1",
  RSA_AES_KEY_WRAP_256: "sha256",
  RSA_AES_KEY_WRAP_384: "sha384",
};
const WRAP_IV = Buffer.from("a65959a6", "hex"); // RFC 5649 section 3

function unwrapTransfer(blob, privateKey, enc) {
  const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING;
  const options = { key: privateKey, padding, oaepHash: OAEP[enc] };
  const aes = crypto.privateDecrypt(options, blob.subarray(0, 256));
  const cipher = crypto.createDecipheriv("id-aes256-wrap-pad", aes, WRAP_IV);
  return Buffer.concat([cipher.update(blob.subarray(256)), cipher.final()]);
}

function wrapTransfer(target, publicKey, enc) {
  const aes = crypto.randomBytes(32);
  const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING;
  const outer = crypto.publicEncrypt({ key: publicKey, padding, oaepHash: OAEP[enc] }, aes);
  const cipher = crypto.createCipheriv("id-aes256-wrap-pad", aes, WRAP_IV);
  return Buffer.concat([outer, cipher.update(target), cipher.final()]);
}

const policy = (claim) => ({
  encodedPolicy: Buffer.from(
    JSON.stringify({
      version: "1.0.0",
      anyOf: [{ authority: env.KP_EMULATOR_LOGIN, allOf: [{ claim, equals: "yes" }] }],
    }),
  ),
});
const decode = (text) => JSON.parse(Buffer.from(text, "base64url"));

for (const [mode, client] of Object.entries({ vault, hsm })) {
  test(`${mode}: a key is released to whom its policy names, and is that key`, async () => {
    const pair = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
    const jwk = pair.publicKey.export({ format: "jwk" });
    const keys = [{ ...jwk, kid: "transport" }];
    const attest = (claims) => control("POST", "attestation", { claims });
    const good = await attest({ "x-ms-runtime": { keys }, inner: { trusted: "yes" } });
    const bad = await attest({ "x-ms-runtime": { keys }, inner: { trusted: "no" } });
    const name = fresh("release");
    const options = { exportable: true, releasePolicy: policy("inner.trusted") };
    const made = await client.createEcKey(name, { ...options, hsm: true });
    for (const enc of Object.keys(OAEP)) {
      const released = await client.releaseKey(name, good.token, { algorithm: enc });
      const { key } = decode(released.value.split(".")[1]).response.key;
      const blob = decode(key.key_hsm);
      assert.equal(blob.header.kid, "transport");
      const wrapped = Buffer.from(blob.ciphertext, "base64url");
      const der = unwrapTransfer(wrapped, pair.privateKey, enc);
      const opened = crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
      const x = crypto.createPublicKey(opened).export({ format: "jwk" }).x;
      assert.deepEqual(Buffer.from(x, "base64url"), Buffer.from(made.key.x));
    }
    await assert.rejects(client.releaseKey(name, bad.token), fails(403));
    await assert.rejects(client.releaseKey(name, `${good.token}x`), fails(403));
    const plain = await client.createEcKey(fresh("kept"), { hsm: true });
    await assert.rejects(client.releaseKey(plain.name, good.token), fails(403));
  });

  test(`${mode}: an exportable key needs a policy`, async () => {
    await assert.rejects(
      client.createEcKey(fresh("open"), { exportable: true, hsm: true }),
      fails(400, "BadParameter"),
    );
  });

  test(`${mode}: a key wrapped for a key exchange key is imported`, async () => {
    const kek = await client.createRsaKey(fresh("kek"), { hsm: true, keyOps: ["import"] });
    const pair = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
    const member = (bytes) => Buffer.from(bytes).toString("base64url");
    const publicKey = crypto.createPublicKey({
      key: { kty: "RSA", n: member(kek.key.n), e: member(kek.key.e) },
      format: "jwk",
    });
    const enc = "CKM_RSA_AES_KEY_WRAP";
    const der = pair.privateKey.export({ format: "der", type: "pkcs8" });
    const blob = {
      schema_version: "1.0.0",
      header: { kid: kek.id, alg: "dir", enc },
      ciphertext: wrapTransfer(der, publicKey, enc).toString("base64url"),
      generator: "test",
    };
    const name = fresh("byok");
    const text = Buffer.from(JSON.stringify(blob)).toString("base64url");
    const resource = mode === "hsm" ? "https://managedhsm.azure.net" : "https://vault.azure.net";
    const { token } = await credential.getToken(`${resource}/.default`);
    const answer = await fetch(`${client.vaultUrl}/keys/${name}?api-version=7.6`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ key: { kty: "RSA-HSM", key_hsm: text } }),
    });
    assert.equal(answer.status, 200, await answer.clone().text());
    const key = await client.getKey(name);
    assert.equal(key.keyType, "RSA-HSM");
    assert.equal(member(key.key.n), pair.publicKey.export({ format: "jwk" }).n);
  });
}

// ---- Refusals and faults ----

for (const [mode, client] of Object.entries({ vault, hsm })) {
  test(`${mode}: a use that key_ops does not name, and a disabled key, are forbidden`, async () => {
    const key = await client.createRsaKey(fresh("off"));
    const use = using(key);
    const digest = digestFor("RS256");
    await use.sign("RS256", digest); // from now on this client does not ask what the key may do
    await client.updateKeyProperties(key.name, { keyOps: ["verify"] });
    await assert.rejects(use.sign("RS256", digest), fails(403, "Forbidden"));
    await client.updateKeyProperties(key.name, { keyOps: ["sign"], enabled: false });
    await assert.rejects(use.sign("RS256", digest), fails(403, "Forbidden"));
    await client.updateKeyProperties(key.name, { enabled: true });
    await use.sign("RS256", digest);
  });
}

test("missing keys, wrong parameters", async () => {
  await assert.rejects(vault.getKey("missing"), fails(404, "KeyNotFound"));
  await assert.rejects(vault.createKey(fresh("odd"), "oct"), fails(400, "BadParameter"));
  await assert.rejects(
    vault.createRsaKey(fresh("odd"), { keySize: 1000 }),
    fails(400, "BadParameter"),
  );
  await assert.rejects(vault.beginDeleteKey("missing", POLL), fails(404, "KeyNotFound"));
});

test("the client rides over 429, 503, a reset and a page of HTML", async () => {
  const key = await vault.createRsaKey(fresh("faults"));
  for (const fault of [
    { fault: "status", status: 429, headers: { "Retry-After": "0" } },
    { fault: "status", status: 503 },
    { fault: "reset" },
    { fault: "html", status: 502 },
  ]) {
    await control("POST", "scenario", { rules: [{ kind: "get_key", ...fault }] });
    assert.equal((await vault.getKey(key.name)).id, key.id);
    assert.equal((await control("GET", "scenario")).rules, 0, fault.fault);
  }
});

test("an expired token is refused", async () => {
  const token = await credential.getToken("https://vault.azure.net/.default");
  const list = () =>
    fetch(`${env.KP_EMULATOR_VAULT}/keys?api-version=7.6`, {
      headers: { authorization: `Bearer ${token.token}` },
    });
  assert.equal((await list()).status, 200);
  await movedBy(2, env.KP_EMULATOR_VAULT, async () => assert.equal((await list()).status, 401));
});
