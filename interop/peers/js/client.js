// The client of gRPC's interoperability tests on @grpc/grpc-js: runs one case, exits with 0 if it passes.

"use strict";

const assert = require("assert");
const { grpc, testing, flags, ECHO_INITIAL, ECHO_TRAILING, read } = require("./testing");

const REQUEST_SIZES = [27182, 8, 1828, 45904];
const RESPONSE_SIZES = [31415, 9, 2653, 58979];

const zeros = (size) => ({ type: 0, body: Buffer.alloc(size) });

function expectZeros(payload, size) {
  assert.ok(payload.body.equals(Buffer.alloc(size)), `expected ${size} zeros, got ${payload.body.length} bytes`);
}

// One reply, with the metadata before and behind it.
function unary(stub, method, request, metadata = new grpc.Metadata(), options = {}) {
  return new Promise((resolve, reject) => {
    const result = {};
    const call = stub[method](request, metadata, options, (error, reply) => {
      result.reply = reply;
      // The status follows the callback.
      setImmediate(() => (error ? reject(error) : resolve(result)));
    });
    call.on("metadata", (initial) => { result.initial = initial; });
    call.on("status", (status) => { result.trailing = status.metadata; });
  });
}

// A stream of replies as an object that is asked for the next one.
function replies(call) {
  const queue = [];
  let waiting = null;
  let ended = null;
  const settle = () => {
    if (waiting && (queue.length > 0 || ended)) {
      const { resolve, reject } = waiting;
      waiting = null;
      if (queue.length > 0) {
        resolve(queue.shift());
      } else if (ended.error) {
        reject(ended.error);
      } else {
        resolve(null);
      }
    }
  };
  const result = { initial: null, trailing: null };
  call.on("metadata", (initial) => { result.initial = initial; });
  call.on("status", (status) => { result.trailing = status.metadata; });
  call.on("data", (reply) => { queue.push(reply); settle(); });
  call.on("error", (error) => { ended = ended || { error }; settle(); });
  call.on("end", () => setImmediate(() => { ended = ended || {}; settle(); }));
  result.next = () => new Promise((resolve, reject) => { waiting = { resolve, reject }; settle(); });
  return result;
}

async function expectCode(promise, code) {
  const error = await promise.then(() => null, (failure) => failure);
  assert.ok(error, `expected code ${code}, got OK`);
  assert.strictEqual(error.code, code, error.message);
  return error;
}

const largeRequest = () => ({ response_size: 314159, payload: zeros(271828) });

async function large(stub) {
  const { reply } = await unary(stub, "UnaryCall", largeRequest());
  expectZeros(reply.payload, 314159);
}

async function streamed(stub, method, count, size, delay) {
  const parameters = Array.isArray(size) ? size.map((one) => ({ size: one })) : Array(count).fill({ size });
  const call = stub[method]({ response_parameters: parameters });
  const stream = replies(call);
  for (const { size: expected } of parameters) {
    expectZeros((await stream.next()).payload, expected);
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
  assert.strictEqual(await stream.next(), null);
}

async function soak(makeStub) {
  for (let iteration = 0; iteration < 10; iteration += 1) {
    const stub = makeStub();
    await large(stub);
  }
}

function echoMetadata() {
  const metadata = new grpc.Metadata();
  metadata.set(ECHO_INITIAL, "test_initial_metadata_value");
  metadata.set(ECHO_TRAILING, Buffer.from([0xab, 0xab, 0xab]));
  return metadata;
}

function checkMetadata({ initial, trailing }) {
  assert.deepStrictEqual(initial.get(ECHO_INITIAL), ["test_initial_metadata_value"]);
  assert.deepStrictEqual(trailing.get(ECHO_TRAILING), [Buffer.from([0xab, 0xab, 0xab])]);
}

const SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n";

async function statusOfUnary(stub, message) {
  const error = await expectCode(unary(stub, "UnaryCall", { response_status: { code: 2, message } }), 2);
  assert.strictEqual(error.details, message);
}

const cases = {
  async empty_unary(stub) {
    await unary(stub, "EmptyCall", {});
  },
  async cacheable_unary(stub) {
    const metadata = new grpc.Metadata();
    metadata.set("x-user-ip", "1.2.3.4");
    const request = { payload: { type: 0, body: Buffer.from(String(process.hrtime.bigint())) } };
    for (const _ of [1, 2]) {
      const { reply } = await unary(stub, "CacheableUnaryCall", request, metadata);
      assert.ok(reply.payload.body.length > 0);
    }
  },
  large_unary: large,
  async concurrent_large_unary(stub) {
    await Promise.all(Array.from({ length: 1000 }, () => large(stub)));
  },
  async client_streaming(stub) {
    const reply = await new Promise((resolve, reject) => {
      const call = stub.StreamingInputCall((error, found) => (error ? reject(error) : resolve(found)));
      REQUEST_SIZES.forEach((size) => call.write({ payload: zeros(size) }));
      call.end();
    });
    assert.strictEqual(reply.aggregated_payload_size, 74922);
  },
  async server_streaming(stub) {
    await streamed(stub, "StreamingOutputCall", 0, RESPONSE_SIZES, 0);
  },
  async slow_consumer(stub) {
    await streamed(stub, "StreamingOutputCall", 2000, 1030, 1);
  },
  async ping_pong(stub) {
    const call = stub.FullDuplexCall();
    const stream = replies(call);
    for (let at = 0; at < 4; at += 1) {
      call.write({ response_parameters: [{ size: RESPONSE_SIZES[at] }], payload: zeros(REQUEST_SIZES[at]) });
      expectZeros((await stream.next()).payload, RESPONSE_SIZES[at]);
    }
    call.end();
    assert.strictEqual(await stream.next(), null);
  },
  async half_duplex(stub) {
    const call = stub.HalfDuplexCall();
    const stream = replies(call);
    RESPONSE_SIZES.forEach((size) => call.write({ response_parameters: [{ size }] }));
    call.end();
    for (const size of RESPONSE_SIZES) {
      expectZeros((await stream.next()).payload, size);
    }
    assert.strictEqual(await stream.next(), null);
  },
  async empty_stream(stub) {
    const call = stub.FullDuplexCall();
    const stream = replies(call);
    call.end();
    assert.strictEqual(await stream.next(), null);
  },
  async custom_metadata(stub) {
    checkMetadata(await unary(stub, "UnaryCall", largeRequest(), echoMetadata()));
    const call = stub.FullDuplexCall(echoMetadata());
    const stream = replies(call);
    call.write({ response_parameters: [{ size: 314159 }], payload: zeros(271828) });
    call.end();
    expectZeros((await stream.next()).payload, 314159);
    assert.strictEqual(await stream.next(), null);
    checkMetadata(stream);
  },
  async status_code_and_message(stub) {
    await statusOfUnary(stub, "test status message");
    const call = stub.FullDuplexCall();
    const stream = replies(call);
    call.write({ response_status: { code: 2, message: "test status message" } });
    call.end();
    const error = await expectCode(stream.next(), 2);
    assert.strictEqual(error.details, "test status message");
  },
  async special_status_message(stub) {
    await statusOfUnary(stub, SPECIAL);
  },
  async unimplemented_method(stub) {
    await expectCode(unary(stub, "UnimplementedCall", {}), grpc.status.UNIMPLEMENTED);
  },
  async unimplemented_service(_, makeStub) {
    const stub = makeStub(testing.UnimplementedService);
    await expectCode(unary(stub, "UnimplementedCall", {}), grpc.status.UNIMPLEMENTED);
  },
  async cancel_after_begin(stub) {
    const ended = new Promise((resolve, reject) => {
      const call = stub.StreamingInputCall((error) => (error ? reject(error) : resolve()));
      call.cancel();
    });
    await expectCode(ended, grpc.status.CANCELLED);
  },
  async cancel_after_first_response(stub) {
    const call = stub.FullDuplexCall();
    const stream = replies(call);
    call.write({ response_parameters: [{ size: 31415 }], payload: zeros(27182) });
    expectZeros((await stream.next()).payload, 31415);
    call.cancel();
    await expectCode(stream.next(), grpc.status.CANCELLED);
  },
  async timeout_on_sleeping_server(stub) {
    const call = stub.FullDuplexCall(new grpc.Metadata(), { deadline: Date.now() + 1 });
    const stream = replies(call);
    call.write({ payload: zeros(27182) });
    await expectCode(stream.next(), grpc.status.DEADLINE_EXCEEDED);
  },
  rpc_soak: (stub) => soak(() => stub),
  channel_soak: (_, makeStub) => soak(() => makeStub()),
  async long_lived_channel(stub) {
    for (let iteration = 0; iteration < 3; iteration += 1) {
      await large(stub);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  },
};

async function main() {
  const { server_host, server_port, server_host_override, test_case, use_tls, test_ca } = flags();
  const secure = use_tls === "true";
  const credentials = secure ? grpc.credentials.createSsl(read(test_ca)) : grpc.credentials.createInsecure();
  const options = secure
    ? { "grpc.ssl_target_name_override": server_host_override, "grpc.default_authority": server_host_override }
    : {};
  const fresh = { ...options, "grpc.use_local_subchannel_pool": 1 };
  const stubs = [];
  const makeStub = (service = testing.TestService) => {
    stubs.push(new service(`${server_host}:${server_port}`, credentials, fresh));
    return stubs[stubs.length - 1];
  };
  if (!cases[test_case]) {
    throw new Error(`no case ${test_case}: expected one of ${Object.keys(cases).join(", ")}`);
  }
  await cases[test_case](makeStub(), makeStub);
  stubs.forEach((stub) => stub.close());
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
