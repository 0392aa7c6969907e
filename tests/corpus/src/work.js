const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
if (!isMainThread) {
  let n = 0;
  for (let i = 2; i < workerData; i++) { let p = true; for (let j = 2; j * j <= i; j++) if (i % j === 0) { p = false; break; } if (p) n++; }
  parentPort.postMessage(n);
} else {
  const crypto = require("crypto"), zlib = require("zlib"), { execFileSync } = require("child_process");
  const table = new Map();
  for (let i = 0; i < 400000; i++) table.set("k" + (i * 7919 % 100003), i);
  console.log(table.size, crypto.createHash("sha256").update([...table.keys()].join()).digest("hex"));
  console.log(zlib.gzipSync(Buffer.alloc(3000000, "abcdefghijk")).length, execFileSync("sh", ["-c", "echo $((6*7))"]).toString().trim());
  Promise.all([40000, 50000, 60000].map(n => new Promise((done, bad) => new Worker(__filename, { workerData: n }).on("message", done).on("error", bad))))
    .then(all => console.log(all));
}
