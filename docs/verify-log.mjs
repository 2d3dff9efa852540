// Checks a HEE log from docs/format.md alone: `node docs/verify-log.mjs REPOSITORY [LOG-ID]`.
// Events, ids, author signatures, order, Merkle root and checkpoint; not the capsule, whose projection it does not know.
import { createHash, createPublicKey, verify } from "node:crypto";
import { execFileSync } from "node:child_process";

const [repository, pin] = process.argv.slice(2);
const env = { ...process.env, GIT_NO_REPLACE_OBJECTS: "1", GIT_GRAFT_FILE: "/dev/null" };
const git = (...args) => execFileSync("git", ["--no-replace-objects", "-C", repository, ...args], { env, maxBuffer: 1 << 30 });
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const str = (data) => Buffer.concat([u32(Buffer.byteLength(data)), Buffer.from(data)]);
const ED25519 = str("ssh-ed25519");
const findings = [];
const found = (index, kind, detail) => findings.push({ index, kind, detail });

const ed25519 = (raw) =>
  createPublicKey({ key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]), format: "der", type: "spki" });
const blobOf = (text) => Buffer.from(text.split(" ")[1], "base64");
const fingerprint = (blob) => "SHA256:" + sha256(blob).toString("base64").replace(/=+$/, "");

// RFC 8785 for values without floats: keys of printable ASCII, JSON.stringify's own escapes.
const canonical = (value) =>
  Array.isArray(value) ? `[${value.map(canonical).join(",")}]`
  : value && typeof value === "object" ? `{${Object.keys(value).sort().map((k) => `${JSON.stringify(k)}:${canonical(value[k])}`).join(",")}}`
  : JSON.stringify(value);

function signer(line, signature) { // PROTOCOL.sshsig, and only its one encoding for Ed25519 and sha512
  const blob = Buffer.from(signature, "base64");
  const head = Buffer.concat([Buffer.from("SSHSIG"), u32(1)]);
  const key = blob.subarray(head.length + 4, head.length + 4 + 51);
  const end = Buffer.concat([str("hee-event"), str(""), str("sha512")]);
  const expected = Buffer.concat([head, str(key), end, u32(ED25519.length + 4 + 64), ED25519, u32(64)]);
  if (blob.length !== expected.length + 64 || !blob.subarray(0, expected.length).equals(expected)) return null;
  const signed = Buffer.concat([Buffer.from("SSHSIG"), end, str(createHash("sha512").update(line).digest())]);
  return verify(null, signed, ed25519(key.subarray(-32)), blob.subarray(-64)) ? fingerprint(key) : null;
}

const keys = new Map(); // fingerprint -> { actor, blob, since, until, root, origin }
const pending = new Map(); // what is asked for -> who asked
let threshold = 1, frozen = false;
const stack = []; // roots of complete subtrees
let size = 0, logId = "", previous = "";

function root() {
  return stack.map(([hash]) => hash).reduceRight((right, left) => (right ? sha256("\x01", left, right) : left), null);
}

function append(line) {
  let node = [sha256("\0", line), 1];
  while (stack.length && stack.at(-1)[1] === node[1]) node = [sha256("\x01", stack.pop()[0], node[0]), node[1] * 2];
  stack.push(node);
  size += 1;
}

function judge(line, signature) {
  const index = size;
  let event;
  try { event = JSON.parse(line.toString()); } catch { return found(index, "event", "not JSON"); }
  if (canonical(event) !== line.toString()) found(index, "event", "not canonical");
  const id = sha256(line).toString("hex");
  if (index === 0) {
    logId = id;
    if (event.type !== "log.created") return found(index, "event", "a log begins with log.created");
    for (const key of event.data.root_keys) {
      keys.set(fingerprint(blobOf(key.public_key)), { actor: key.actor, blob: blobOf(key.public_key), since: 0, until: Infinity, root: true });
    }
    threshold = event.data.threshold ?? 1;
    if (threshold > keys.size) found(index, "key", "threshold");
  }
  if (event.source !== (index ? `urn:hee:${logId}` : "urn:hee:genesis")) found(index, "foreign-event", event.source);
  if (signer(line, signature) !== event.keyid) found(index, "signature", "the named key did not sign this");
  const key = keys.get(event.keyid);
  if (!key || key.since > index || index >= key.until || key.actor !== event.actor) return found(index, "key", `${event.keyid} may not sign`);
  if (event.type.startsWith("key.")) {
    const fault = change(event, index);
    if (fault) found(index, "key", `${event.type}: ${fault}`);
  }
  if (event.type === "state.frozen") frozen = true;
  if (event.type === "state.unfrozen" && event.actor.startsWith("human:")) frozen = false;
}

// What an event asks of the ring. Made at once when as many keys as it takes have asked for it; returns what forbids it.
function change({ type, data, keyid, actor }, index) {
  const human = (name) => name.startsWith("human:");
  const valid = (key, at) => key && key.since <= at && at < key.until;
  const held = keys.get(data.key_id);
  const people = [...keys.values()].some((key) => human(key.actor) && valid(key, index));
  const enough = (ended) => [...keys.values()].filter((key) => key.root && key.until === Infinity && key !== ended).length >= threshold;
  const vouched = (name) =>
    human(name) && people ? human(actor) : keys.get(keyid).root && !(human(name) && frozen);
  const fresh = data.public_key && fingerprint(blobOf(data.public_key));
  const name = held && (held.origin ?? data.key_id);
  let ask, make, needed = threshold;
  if (["key.added", "key.rotated"].includes(type) && keys.has(fresh)) return "it is or was there already";
  if (["key.revoked", "key.expiry_set", "key.root_granted"].includes(type) && !valid(held, index + 1)) return "no valid key";
  if (type === "key.added") {
    if (!vouched(data.actor)) return "may not add it";
    if (data.role !== data.actor.split(":")[0]) return "its role is not that of its actor";
    ask = `add ${data.actor} ${data.public_key}`;
    make = () => keys.set(fresh, { actor: data.actor, blob: blobOf(data.public_key), since: index + 1, until: Infinity, root: false });
  } else if (type === "key.rotated") {
    const old = keys.get(keyid);
    if (!valid(old, index + 1)) return "no valid key";
    [ask, needed] = [`rotate ${keyid}`, 1];
    make = () => {
      keys.set(fresh, { ...old, blob: blobOf(data.public_key), since: index + 1, origin: old.origin ?? keyid });
      keys.set(keyid, { ...old, until: index + 1 });
    };
  } else if (type === "key.revoked") {
    if (!vouched(held.actor)) return "may not revoke it";
    if (!enough(held)) return "too few root keys are left";
    ask = `revoke ${name}`;
    make = () => { held.until = index + 1; };
  } else if (type === "key.expiry_set") {
    const until = data.until ?? Infinity;
    if (!vouched(held.actor)) return "may not end it";
    if (until <= index) return "the end is past";
    if (until !== Infinity && !enough(held)) return "too few root keys are left";
    ask = `expire ${name} at ${data.until} or ${data.not_after ?? ""}`;
    make = () => { held.until = until; };
  } else if (type === "key.root_granted") {
    if (!keys.get(keyid).root || held.root) return "takes a root key, and one that is none yet";
    ask = `root ${name}`;
    make = () => { held.root = true; };
  } else if (type === "key.threshold_changed") {
    const roots = [...keys.values()].filter((key) => key.root && key.until === Infinity).length;
    if (!keys.get(keyid).root || data.threshold === threshold || data.threshold > roots) return "may not be";
    [ask, needed] = [`threshold ${data.threshold}`, Math.max(threshold, data.threshold)];
    make = () => { threshold = data.threshold; };
  } else return "unknown: nobody can say whose keys count after it";
  const asked = new Set([...(pending.get(ask) ?? []), keyid]);
  pending.set(ask, asked);
  if ([...asked].filter((each) => valid(keys.get(each), index)).length < needed) return null;
  pending.delete(ask);
  make();
  return null;
}

function checkpoint(note, first) {
  const [text, lines] = note.toString().split("\n\n");
  const [origin, count, hash] = text.split("\n");
  if (origin !== `hee-log/${logId}` || count !== String(size) || hash !== root().toString("base64")) return found(first, "checkpoint", "size or root");
  const good = lines.split("\n").some((line) => {
    const [, name, encoded] = line.split(" ");
    const data = Buffer.from(encoded ?? "", "base64");
    return [...keys.values()].some((key) => {
      const raw = key.blob.subarray(-32);
      const hint = sha256(`${name}\n\x01`, raw).subarray(0, 4);
      const valid = key.since <= size - 1 && size - 1 < key.until;
      return valid && name === origin && hint.equals(data.subarray(0, 4)) && verify(null, Buffer.from(`${text}\n`), ed25519(raw), data.subarray(4));
    });
  });
  if (!good) found(first, "checkpoint", "no key of the log signed it");
}

const split = (data) => { // lines as bytes
  const lines = [];
  for (let at = 0, end; at < data.length; at = end + 1) {
    end = data.indexOf(10, at);
    if (end < 0) return null;
    lines.push(data.subarray(at, end));
  }
  return lines;
};

for (const row of git("rev-list", "--reverse", "--first-parent", "--parents", "refs/heads/hee/log").toString().trim().split("\n")) {
  const [commit, ...parents] = row.split(" ");
  const first = size;
  if (parents.join() !== previous) found(first, "chain", commit);
  previous = commit;
  const names = git("ls-tree", "--name-only", commit).toString().trim().split("\n").join();
  if (names !== "README.md,capsule.json,checkpoint,events.jsonl,signatures") found(first, "tree", names);
  const lines = split(git("show", `${commit}:events.jsonl`));
  const signatures = split(git("show", `${commit}:signatures`));
  if (!lines?.length || lines.length !== signatures?.length) { found(first, "signature", "lines do not match"); break; }
  lines.forEach((line, n) => { judge(line, signatures[n].toString()); append(line); });
  checkpoint(git("show", `${commit}:checkpoint`), first);
}
if (pin && pin !== logId) found(0, "foreign-log", logId);
console.log(JSON.stringify({ ok: findings.length === 0, events: size, log: logId, findings: findings.slice(0, 100) }));
process.exitCode = findings.length ? 1 : 0;
