// What the client and the server of the interop matrix share: the schema and the flags.

"use strict";

const fs = require("fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

// --name=value, as every language's programs take them.
function flags() {
  const found = {};
  for (const word of process.argv.slice(2)) {
    const [, name, value] = /^--([a-z_]+)=(.*)$/.exec(word) || [];
    if (!name) {
      throw new Error(`flag ${word}: expected --name=value`);
    }
    found[name] = value;
  }
  return found;
}

const schema = loader.loadSync(process.env.TESTING_PROTO, { keepCase: true, defaults: true, enums: Number });
const testing = grpc.loadPackageDefinition(schema).grpc.testing;

const ECHO_INITIAL = "x-grpc-test-echo-initial";
const ECHO_TRAILING = "x-grpc-test-echo-trailing-bin";

module.exports = { grpc, testing, flags, ECHO_INITIAL, ECHO_TRAILING, read: (path) => fs.readFileSync(path) };
