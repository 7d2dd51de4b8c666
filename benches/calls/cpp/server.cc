// `cpp-server PORT`: serves the benchmark on 127.0.0.1 with the synchronous API and its defaults, but for messages of
// up to 64 MiB.

#include <grpcpp/grpcpp.h>

#include <string>

#include "bench.grpc.pb.h"

namespace {

constexpr int kLimit = 64 << 20;

class Echo final : public perf::Bench::Service {
  grpc::Status Unary(grpc::ServerContext*, const perf::Req* request, perf::Resp* reply) override {
    reply->set_payload(request->payload());
    return grpc::Status::OK;
  }

  grpc::Status ServerStream(grpc::ServerContext*, const perf::StreamReq* request,
                            grpc::ServerWriter<perf::Resp>* replies) override {
    perf::Resp reply;
    reply.set_payload(std::string(request->size(), 'x'));
    for (uint32_t sent = 0; sent < request->count(); ++sent) {
      if (!replies->Write(reply)) break;
    }
    return grpc::Status::OK;
  }

  grpc::Status Bidi(grpc::ServerContext*, grpc::ServerReaderWriter<perf::Resp, perf::Req>* stream) override {
    perf::Req request;
    perf::Resp reply;
    while (stream->Read(&request)) {
      reply.set_payload(request.payload());
      if (!stream->Write(reply)) break;
    }
    return grpc::Status::OK;
  }
};

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  Echo echo;
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kLimit);
  builder.SetMaxSendMessageSize(kLimit);
  builder.AddListeningPort(std::string("127.0.0.1:") + words[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&echo);
  builder.BuildAndStart()->Wait();
}
