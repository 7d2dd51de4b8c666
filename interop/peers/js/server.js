// The server of gRPC's interoperability tests on @grpc/grpc-js.

"use strict";

const { grpc, testing, flags, ECHO_INITIAL, ECHO_TRAILING, read } = require("./testing");

function payload(size) {
  return { type: 0, body: Buffer.alloc(size) };
}

function trailing(call) {
  const metadata = new grpc.Metadata();
  for (const value of call.metadata.get(ECHO_TRAILING)) {
    metadata.add(ECHO_TRAILING, value);
  }
  return metadata;
}

function echoInitial(call) {
  const values = call.metadata.get(ECHO_INITIAL);
  if (values.length > 0) {
    const metadata = new grpc.Metadata();
    values.forEach((value) => metadata.add(ECHO_INITIAL, value));
    call.sendMetadata(metadata);
  }
}

// The error that a request asks for, or nothing.
function wanted(request, call) {
  const status = request.response_status;
  return status && status.code ? { code: status.code, details: status.message, metadata: trailing(call) } : null;
}

async function answer(request, call) {
  for (const { size, interval_us } of request.response_parameters) {
    if (interval_us > 0) {
      await new Promise((resolve) => setTimeout(resolve, interval_us / 1000));
    }
    if (!call.write({ payload: payload(size) })) {
      await Promise.race([new Promise((resolve) => call.once("drain", resolve)),
        new Promise((resolve) => call.once("cancelled", resolve))]);
    }
  }
}

// Both kinds of streams of requests: each is answered when it comes, or all once the client has sent the last.
function duplex(answersAtOnce) {
  return (call) => {
    echoInitial(call);
    const requests = [];
    let failed = false;
    let chain = Promise.resolve();
    const handle = (request) => {
      chain = chain.then(async () => {
        const error = wanted(request, call);
        if (error && !failed) {
          failed = true;
          call.emit("error", error);
        }
        if (!failed) {
          await answer(request, call);
        }
      });
    };
    call.on("data", (request) => (answersAtOnce ? handle(request) : requests.push(request)));
    call.on("end", () => {
      requests.forEach(handle);
      chain.then(() => failed || call.end(trailing(call)));
    });
    call.on("error", () => {});
  };
}

const service = {
  EmptyCall(call, callback) {
    echoInitial(call);
    callback(null, {}, trailing(call));
  },
  UnaryCall(call, callback) {
    echoInitial(call);
    callback(wanted(call.request, call), { payload: payload(call.request.response_size) }, trailing(call));
  },
  CacheableUnaryCall(call, callback) {
    const metadata = new grpc.Metadata();
    metadata.set("cache-control", "max-age=60, public");
    call.sendMetadata(metadata);
    callback(null, { payload: { type: 0, body: Buffer.from(String(process.hrtime.bigint())) } });
  },
  StreamingOutputCall(call) {
    echoInitial(call);
    const error = wanted(call.request, call);
    if (error) {
      call.emit("error", error);
      return;
    }
    answer(call.request, call).then(() => call.end(trailing(call)));
  },
  StreamingInputCall(call, callback) {
    let size = 0;
    call.on("data", (request) => { size += request.payload ? request.payload.body.length : 0; });
    call.on("end", () => callback(null, { aggregated_payload_size: size }, trailing(call)));
    call.on("error", () => {});
  },
  FullDuplexCall: duplex(true),
  HalfDuplexCall: duplex(false),
};

function main() {
  const { port, use_tls, certificate, key } = flags();
  const credentials = use_tls === "true"
    ? grpc.ServerCredentials.createSsl(null, [{ cert_chain: read(certificate), private_key: read(key) }])
    : grpc.ServerCredentials.createInsecure();
  const server = new grpc.Server();
  server.addService(testing.TestService.service, service);
  server.bindAsync(`[::]:${port}`, credentials, (error) => {
    if (error) {
      throw error;
    }
  });
}

main();
